//! Who may call, and how the program starts and stops.

use crate::harness::{Downloader, LONG, image, items, program, request, source};
use rcgen::CertifiedKey;
use rpc::pb::GetVersionRequest;
use rpc::pb::geocube_downloader_client::GeocubeDownloaderClient;
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::timeout;
use tonic::transport::{Certificate, Channel, ClientTlsConfig};
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

fn with_token<T>(message: T, value: &str) -> Request<T> {
    let mut request = Request::new(message);
    request
        .metadata_mut()
        .insert("authorization", value.parse().unwrap());
    request
}

#[tokio::test]
async fn only_tokens_of_users_and_administrators_open_the_service() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tif");
    image(&path, 7);
    let allowed = format!("--allowedPaths={}", folder.path().display());
    let tokens = [
        ("GEOCUBE_TOKEN_USER", "sesame-u"),
        ("GEOCUBE_TOKEN_ADMIN", "sesame-a"),
        ("GEOCUBE_TOKEN_EVENT", "sesame-e"),
    ];
    let downloader = Downloader::start(&[&allowed], &tokens).await;
    assert!(!downloader.said.contains("sesame"), "{}", downloader.said);
    let cube = request(&[&[source(path.to_str().unwrap())]]);
    for (presented, refusal) in [
        ("Bearer sesame-u", None),
        ("Bearer sesame-a", None),
        ("Bearer sesame-e", Some("invalid token")),
        ("Bearer x", Some("invalid token")),
        ("sesame-u", Some("missing \"Bearer \" prefix")),
    ] {
        let mut client = downloader.client().await;
        let version = client.version(with_token(GetVersionRequest {}, presented));
        let answers = [
            version.await.map(|_| ()),
            items(client.clone(), with_token(cube.clone(), presented))
                .await
                .map(|_| ()),
        ];
        for answer in answers {
            let refused = answer.err().map(|status| {
                assert_eq!(status.code(), Code::Unauthenticated);
                status.message().to_owned()
            });
            assert_eq!(refused.as_deref(), refusal, "{presented}");
        }
    }
    let bare = downloader.cube(cube).await.unwrap_err();
    assert_eq!(bare.code(), Code::Unauthenticated);
    let address = format!("http://127.0.0.1:{}", downloader.port);
    let channel = Channel::from_shared(address).unwrap().connect().await;
    let mut health = HealthClient::new(channel.unwrap());
    let of_service = HealthCheckRequest {
        service: "geocube.GeocubeDownloader".to_owned(),
    };
    let answer = health.check(of_service).await.unwrap().into_inner();
    assert_eq!(answer.status, 1, "health needs no token");
}

/// Whatever is configured and presented: the answer that the rules give is computed here.
#[tokio::test]
async fn every_token_opens_the_service_where_the_rules_say_so_and_nowhere_else() {
    let holders = [
        ("GEOCUBE_TOKEN_USER", "u"),
        ("GEOCUBE_TOKEN_ADMIN", "a"),
        ("GEOCUBE_TOKEN_EVENT", "e"),
    ];
    for subset in 0..8_u8 {
        let is_configured = |bit: usize| subset & (1 << bit) != 0;
        let tokens: Vec<_> = (0..3)
            .filter(|bit| is_configured(*bit))
            .map(|bit| holders[bit])
            .collect();
        let downloader = Downloader::start(&[], &tokens).await;
        let mut client = downloader.client().await;
        for presented in [
            None,
            Some("Bearer u"),
            Some("Bearer a"),
            Some("Bearer e"),
            Some("Bearer x"),
            Some("Bearer "),
            Some("bearer u"),
            Some("u"),
        ] {
            let opens = match presented {
                _ if subset == 0 => true,
                Some("Bearer u") => is_configured(0),
                Some("Bearer a") => is_configured(1),
                _ => false,
            };
            let call = || match presented {
                Some(value) => with_token(GetVersionRequest {}, value),
                None => Request::new(GetVersionRequest {}),
            };
            let code = client.version(call()).await.err().map(|s| s.code());
            let expected = (!opens).then_some(Code::Unauthenticated);
            assert_eq!(
                code, expected,
                "configured {tokens:?}, presented {presented:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_downloader_without_a_token_for_it_is_closed_and_says_so() {
    let downloader = Downloader::start(&[], &[("GEOCUBE_TOKEN_EVENT", "e")]).await;
    assert!(downloader.said.contains("closed"), "{}", downloader.said);
    let refused = downloader
        .client()
        .await
        .version(GetVersionRequest {})
        .await;
    assert_eq!(refused.unwrap_err().code(), Code::Unauthenticated);
    let open = Downloader::start(&[], &[]).await;
    assert!(
        open.said.contains("no token is configured"),
        "{}",
        open.said
    );
    let version = open.client().await.version(GetVersionRequest {}).await;
    assert_eq!(
        version.unwrap().into_inner().version,
        env!("CARGO_PKG_VERSION")
    );
}

#[tokio::test]
async fn the_port_serves_tls() {
    // the client wants one
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (chain, key) = (folder.path().join("crt"), folder.path().join("key"));
    std::fs::write(&chain, cert.pem()).unwrap();
    std::fs::write(&key, signing_key.serialize_pem()).unwrap();
    let files = [
        format!("--tlsCert={}", chain.display()),
        format!("--tlsKey={}", key.display()),
    ];
    let downloader = Downloader::start(&["--tls", &files[0], &files[1]], &[]).await;
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(cert.pem()))
        .domain_name("localhost");
    let address = format!("https://127.0.0.1:{}", downloader.port);
    let endpoint = Channel::from_shared(address)
        .unwrap()
        .tls_config(tls)
        .unwrap();
    let mut client = GeocubeDownloaderClient::new(endpoint.connect().await.unwrap());
    client.version(GetVersionRequest {}).await.unwrap();
}

#[tokio::test]
async fn a_signal_ends_the_program_in_order() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut downloader = Downloader::start(&[], &[]).await;
        let mut idle = downloader.client().await;
        idle.version(GetVersionRequest {}).await.unwrap();
        let id = downloader.child.id().unwrap();
        kill_process(Pid::from_raw(id as i32).unwrap(), signal).unwrap();
        let ended = timeout(LONG, downloader.child.wait()).await.unwrap();
        assert_eq!(ended.unwrap().code(), Some(0), "{signal:?}");
    }
}

#[tokio::test]
async fn flags_that_cannot_work_end_the_start_with_their_name() {
    for (flag, named) in [
        ("--allowedPaths=relative", "--allowedPaths"),
        ("--tls", "--tlsCert: cannot read /tls/tls.crt"),
        ("--baSecretName=s", "project"),
    ] {
        let ended = timeout(LONG, program(&[flag], &[]).output()).await;
        let ended = ended.unwrap().unwrap();
        let said = [ended.stdout, ended.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert!(said.contains(named), "{flag}: {said}");
    }
}
