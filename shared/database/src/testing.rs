//! Databases of their own for tests.
//!
//! `DATABASE_URL` names a maintenance database of a server, with the rights of a superuser. The
//! first test makes a migrated template there, which the others copy; it is kept for the next run.

mod proxy;
mod questions;
pub mod reference;

pub use proxy::Proxy;

use crate::{Database, PoolOptions, migrate, pool};
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection};
use std::time::Duration;
use url::Url;
use uuid::Uuid;

/// Environment variable with the URL of the maintenance database.
pub const VARIABLE: &str = "DATABASE_URL";

/// A migrated, empty database, dropped together with this value.
#[derive(Debug)]
pub struct TestDatabase {
    /// Its connections.
    pub db: Database,
    scratch: Scratch,
}

impl TestDatabase {
    /// A new database; `None`, said on standard error, when `DATABASE_URL` is not set.
    ///
    /// # Panics
    /// When the server cannot be used.
    pub async fn create() -> Option<Self> {
        let server = server()?;
        let template = template(&server).await;
        let scratch = Scratch::create(server, &template).await;
        let options = PoolOptions {
            acquire_timeout: Duration::from_mins(1),
            ..PoolOptions::default()
        };
        let db = Database::connect(&scratch.url(), &options)
            .await
            .expect("the new database accepts connections");
        Some(Self { db, scratch })
    }

    /// A database of a release before this program, made by scripts and brought to the present schema;
    /// `None`, said on standard error, when `DATABASE_URL` is not set.
    ///
    /// # Panics
    /// When the server cannot be used, or the database not be adopted.
    pub async fn adopted(scripts: &[&str]) -> Option<Self> {
        let scratch = Scratch::empty().await?;
        scratch.run(scripts).await;
        migrate::run(&scratch.url())
            .await
            .expect("the database can be adopted");
        let db = Database::connect(&scratch.url(), &PoolOptions::default())
            .await
            .expect("the database accepts connections");
        Some(Self { db, scratch })
    }

    /// URL of the database.
    pub fn url(&self) -> String {
        self.scratch.url()
    }

    /// The database, to be copied: nothing of this program is connected any more.
    pub async fn freeze(self) -> Scratch {
        self.db.close().await;
        self.scratch
    }

    /// Number of sessions that programs of these names have now.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn sessions(&self, programs: &[&str]) -> i64 {
        let mut conn = self.db.read().await.expect("a connection");
        sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name = ANY($1)",
        )
        .bind(programs)
        .fetch_one(&mut *conn)
        .await
        .expect("the server counts its sessions")
    }

    /// The texts that a query finds, in one column, as the owner.
    ///
    /// # Panics
    /// When it fails.
    pub async fn texts(&self, query: &str) -> Vec<String> {
        self.scratch.texts(query).await
    }

    /// Runs statements, as the owner.
    ///
    /// # Panics
    /// When one of them fails.
    pub async fn run(&self, scripts: &[&str]) {
        self.scratch.run(scripts).await;
    }
}

/// A database without any schema, dropped together with this value.
#[derive(Debug)]
pub struct Scratch {
    server: Url,
    name: String,
}

impl Scratch {
    /// A new database; `None`, said on standard error, when `DATABASE_URL` is not set.
    ///
    /// # Panics
    /// When the server cannot be used.
    pub async fn empty() -> Option<Self> {
        Some(Self::create(server()?, "template0").await)
    }

    /// A copy, while nobody is connected.
    ///
    /// # Panics
    /// When the server cannot be used.
    pub async fn copy(&self) -> Self {
        Self::create(self.server.clone(), &self.name).await
    }

    /// The texts that a query finds, in one column.
    ///
    /// # Panics
    /// When it fails.
    pub async fn texts(&self, query: &str) -> Vec<String> {
        let url: Url = self.url().parse().expect("a URL");
        let mut conn = connect(&url).await;
        sqlx::query_scalar(AssertSqlSafe(query.to_owned()))
            .fetch_all(&mut conn)
            .await
            .expect("the query can be run")
    }

    async fn create(server: Url, template: &str) -> Self {
        let name = format!("geocube_test_{}", Uuid::new_v4().simple());
        execute(
            &server,
            format!("CREATE DATABASE {name} TEMPLATE {template}"),
        )
        .await;
        Self { server, name }
    }

    /// URL of the database.
    pub fn url(&self) -> String {
        at(&self.server, &self.name)
    }

    /// Runs scripts one after the other.
    ///
    /// # Panics
    /// When one of them fails.
    pub async fn run(&self, scripts: &[&str]) {
        let url: Url = self.url().parse().expect("a URL");
        let mut conn = connect(&url).await;
        for script in scripts {
            sqlx::raw_sql(AssertSqlSafe((*script).to_owned()))
                .execute(&mut conn)
                .await
                .expect("the script can be run");
        }
    }
}

impl Drop for Scratch {
    /// On a thread of its own: the value may be dropped inside a runtime, and by a panic.
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), std::mem::take(&mut self.name));
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.expect("a runtime can be built").block_on(execute(
                &server,
                format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
            ));
        });
        if dropping.join().is_err() {
            eprintln!("a test database could not be dropped");
        }
    }
}

fn server() -> Option<Url> {
    let Ok(url) = std::env::var(VARIABLE) else {
        eprintln!("skipped: needs {VARIABLE}");
        return None;
    };
    Some(url.parse().expect("DATABASE_URL is a URL"))
}

fn at(server: &Url, database: &str) -> String {
    let mut url = server.clone();
    url.set_path(database);
    url.into()
}

/// Name of the migrated template of these migrations, made by whoever comes first.
async fn template(server: &Url) -> String {
    // "gctest" in ASCII
    const KEY: i64 = 0x67_63_74_65_73_74;
    let name = format!("geocube_template_{}", migrate::fingerprint());
    let mut conn = connect(server).await;
    sqlx::query("SELECT pg_advisory_lock($1)")
        .bind(KEY)
        .execute(&mut conn)
        .await
        .expect("a lock");
    let exists: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
            .bind(&name)
            .fetch_one(&mut conn)
            .await
            .expect("the catalog answers");
    if !exists {
        // complete under its name, or not there at all
        let draft = format!("geocube_draft_{}", Uuid::new_v4().simple());
        execute(
            server,
            format!("CREATE DATABASE {draft} TEMPLATE template0"),
        )
        .await;
        migrate::run(&at(server, &draft))
            .await
            .expect("an empty database can be migrated");
        execute(server, format!("ALTER DATABASE {draft} RENAME TO {name}")).await;
    }
    name
}

async fn connect(server: &Url) -> PgConnection {
    let options = pool::connect_options(server.as_str()).expect("DATABASE_URL is a Postgres URL");
    options
        .connect()
        .await
        .expect("the server of DATABASE_URL accepts connections")
}

async fn execute(server: &Url, sql: String) {
    let mut conn = connect(server).await;
    sqlx::query(AssertSqlSafe(sql))
        .execute(&mut conn)
        .await
        .expect("the maintenance statement succeeds");
}
