//! A real redis-server on loopback, and a proxy that can be cut.
#![allow(dead_code, unreachable_pub, reason = "each test uses a part of it")]

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use redis::{Client, Value};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time,
};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Server {
    child: Child,
    pub port: u16,
    folder: PathBuf,
    arguments: Vec<String>,
}

/// The binary of a redis-server, or of another server that speaks its protocol and takes its options.
fn binary() -> OsString {
    std::env::var_os("REDIS_SERVER").unwrap_or_else(|| "redis-server".into())
}

/// Whether there is one to be started. Where there is none the tests say so and do nothing.
pub fn is_installed() -> bool {
    let version = Command::new(binary())
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    let is_installed = version.is_ok_and(|status| status.success());
    if !is_installed {
        assert!(
            std::env::var_os("CI_NEEDS_REDIS").is_none(),
            "redis-server is not installed"
        );
        eprintln!("redis-server is not installed: this test did nothing");
    }
    is_installed
}

pub async fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    listener.local_addr().unwrap().port()
}

impl Server {
    pub async fn start(arguments: &[&str]) -> Self {
        Self::start_at(free_port().await, arguments).await
    }

    pub async fn start_at(port: u16, arguments: &[&str]) -> Self {
        let folder =
            std::env::temp_dir().join(format!("breaker-fleet-{}-{port}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let arguments: Vec<_> = arguments.iter().map(|it| (*it).to_owned()).collect();
        let child = spawn(port, &folder, &arguments);
        let server = Self {
            child,
            port,
            folder,
            arguments,
        };
        server.is_there().await;
        server
    }

    async fn is_there(&self) {
        until("the server answers", || async {
            let mut ping = redis::cmd("PING");
            self.send(&mut ping).await.is_ok()
        })
        .await;
    }

    pub fn address(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// Sends a command, its words divided by blanks.
    pub async fn command(&self, words: &str) -> Value {
        let mut words = words.split(' ');
        let mut command = redis::cmd(words.next().unwrap());
        words.for_each(|word| {
            command.arg(word);
        });
        self.send(&mut command).await.unwrap()
    }

    pub async fn send(&self, command: &mut redis::Cmd) -> redis::RedisResult<Value> {
        let client = Client::open(self.address())?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        command.query_async(&mut connection).await
    }

    pub fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &id])
                .status()
                .unwrap()
                .success()
        );
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub async fn restart(&mut self) {
        self.child = spawn(self.port, &self.folder, &self.arguments);
        self.is_there().await;
    }
}

fn spawn(port: u16, folder: &Path, arguments: &[String]) -> Child {
    Command::new(binary())
        .args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ])
        .args(["--dir", folder.to_str().unwrap()])
        .args(arguments)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = (self.child.kill(), self.child.wait());
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Waits until this is so.
pub async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let wait = async {
        while !is_so().await {
            time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(time::timeout(PATIENCE, wait).await.is_ok(), "never: {what}");
}

/// Passes bytes on, all at once, one at a time, or none.
pub struct Proxy {
    pub port: u16,
    mode: Arc<AtomicU32>,
    listens: JoinHandle<()>,
}

const ALL: u32 = 0;
const SLOWLY: u32 = 1;
const NONE: u32 = 2;

impl Proxy {
    pub async fn start(to: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mode = Arc::new(AtomicU32::new(ALL));
        let of_all = mode.clone();
        let listens = tokio::spawn(async move {
            while let Ok((here, _)) = listener.accept().await {
                let Ok(there) = TcpStream::connect(("127.0.0.1", to)).await else {
                    continue;
                };
                let ((from, into), (back, forth)) = (here.into_split(), there.into_split());
                tokio::spawn(pass(from, forth, of_all.clone()));
                tokio::spawn(pass(back, into, of_all.clone()));
            }
        });
        Self {
            port,
            mode,
            listens,
        }
    }

    pub fn address(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// The connections stay, and nothing passes any more. New ones go through once it is healed.
    pub fn cut(&self) {
        self.mode.store(NONE, Relaxed);
    }

    pub fn slow(&self) {
        self.mode.store(SLOWLY, Relaxed);
    }

    pub fn heal(&self) {
        self.mode.store(ALL, Relaxed);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listens.abort();
    }
}

async fn pass(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut into: tokio::net::tcp::OwnedWriteHalf,
    mode: Arc<AtomicU32>,
) {
    let mut buffer = vec![0; 65536];
    let mut is_cut = false;
    loop {
        let slow = mode.load(Relaxed) == SLOWLY;
        let room = if slow { 1 } else { buffer.len() };
        let Ok(length @ 1..) = from.read(&mut buffer[..room]).await else {
            return;
        };
        // One that was cut once never passes anything again: the other end waits for an answer that does not come.
        is_cut |= mode.load(Relaxed) == NONE;
        if is_cut {
            continue;
        }
        if mode.load(Relaxed) == SLOWLY {
            time::sleep(Duration::from_millis(20)).await;
        }
        if into.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
