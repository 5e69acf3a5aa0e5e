//! Requests that need keys, and where those come from.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::{environment::Environment, *};

/// A store of a machine with these variables and no files.
fn store(variables: &[(&str, &str)]) -> S3Storage {
    http::ensure_provider();
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let environment = Environment(variables.iter().map(owned).collect());
    let buckets = Buckets::in_environment(&S3Options::default(), &environment).unwrap();
    S3Storage {
        caller: Caller::new(buckets.signs()).unwrap(),
        buckets: Arc::new(buckets),
        budget: RetryBudget::default(),
        copy_limit: copy::LIMIT,
    }
}

/// A service that gives all who ask this answer, or closes the connection before it gives one.
async fn answering(answer: Option<&'static str>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let Some(answer) = answer else { continue };
            let mut head = vec![0; 4096];
            let asked = stream.read(&mut head).await;
            if asked.is_ok_and(|length| length > 0) {
                // an error is a client that went away
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        }
    });
    address
}

const BUSY: &str = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
const MISSING: &str = "HTTP/1.1 404 Missing\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn no_keys_are_told_as_such_and_asked_for_again_where_they_may_come() {
    let uri = Uri::parse("s3://b/a").unwrap();
    // (variable that names who gives keys, its answer, passes)
    for (variable, answer, passes) in [
        // nobody has configured anything, and this is no machine of Amazon
        ("AWS_METADATA_ENDPOINT", None, false),
        ("AWS_METADATA_ENDPOINT", Some(MISSING), false),
        ("AWS_METADATA_ENDPOINT", Some(BUSY), true),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", None, true),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", Some(BUSY), true),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", Some(MISSING), false),
    ] {
        let token = tempfile::NamedTempFile::new().unwrap();
        let address = answering(answer).await;
        let store = store(&[
            (variable, &address),
            (
                "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
                token.path().to_str().unwrap(),
            ),
        ]);
        let options = ReadOptions::from(0..4);
        for error in [
            store.head(&uri).await.unwrap_err(),
            store.read_with(&uri, &options).await.unwrap_err(),
        ] {
            let case = format!("{variable} {answer:?}: {error:?}");
            assert_eq!(error.is_worth_another_try(), passes, "{case}");
            let text = error.outline().unwrap_or_else(|| error.to_string());
            assert!(text.contains("no usable credentials of AWS"), "{case}");
        }
    }
}
