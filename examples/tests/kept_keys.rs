//! A table keeps of a key the key's own bytes, and not what it was cut from: the buffer that a connection was read into, or a
//! whole URL. With real requests over loopback; each thread's heap is counted.

use std::convert::Infallible;
use std::future::Future;

use allocation_counter::measure;
use breaker_layer::Outcome;
use breaker_layer::keyed::{ByAuthority, ByHeader, ExtractKey, HeaderKey, Key, KeyedCircuits};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn;
use hyper::http::uri::Authority;
use hyper::{HeaderMap, Request, Response, Uri, header::HeaderName, header::HeaderValue};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

const REQUESTS: usize = 1000;
/// The key's bytes beside a KiB.
const OVERHEAD: usize = 1024;

/// Runs this on a runtime of this thread's own, and says by how many bytes its heap has grown in the end.
fn grown_by(run: impl Future<Output = ()>) -> i64 {
    let info = measure(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(run);
    });
    info.bytes_current
}

/// The key has a circuit from now on.
fn fail<K: Key>(table: &KeyedCircuits<K>, key: K) {
    let permit = table.try_acquire(key).expect("it is closed");
    permit.record(Outcome::Failure);
}

/// Sends so many requests over one connection to a server that has each key fail once.
async fn serve<K: Key>(
    table: KeyedCircuits<K>,
    extract: impl Fn(&Request<Incoming>) -> Option<K> + Clone,
    request: impl Fn(usize) -> Request<Empty<Bytes>>,
) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let server = async {
        let (stream, _) = listener.accept().await.expect("a client");
        let service = hyper::service::service_fn(|request| {
            let key = extract(&request).expect("it has a key");
            fail(&table, key);
            async { Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new())) }
        });
        let connection = hyper::server::conn::http1::Builder::new();
        let connection = connection.serve_connection(TokioIo::new(stream), service);
        connection.await.expect("the client goes in the end");
    };
    let client = async {
        let stream = TcpStream::connect(address).await.expect("a server");
        let (mut sender, connection) = conn::http1::handshake(TokioIo::new(stream))
            .await
            .expect("HTTP");
        let calls = async move {
            for number in 0..REQUESTS {
                sender.ready().await.expect("it is there");
                let answer = sender.send_request(request(number)).await;
                let body = answer.expect("an answer").into_body();
                body.collect().await.expect("an empty body");
            }
        };
        let (connection, ()) = tokio::join!(connection, calls);
        connection.expect("it ends well");
    };
    tokio::join!(server, client);
}

/// A UUID, and a longer one of a trace.
fn id(number: usize, bytes: usize) -> String {
    let mut id = format!("{number:08x}-9d1b-4c3e-8f2a-");
    while id.len() < bytes {
        id.push(char::from(b'a' + (id.len() % 26) as u8));
    }
    id
}

fn with_junk(id: &str, junk: usize) -> Request<Empty<Bytes>> {
    let mut headers = HeaderMap::new();
    headers.insert("x-tenant", HeaderValue::from_str(id).expect("a value"));
    for number in 0..junk {
        let name = format!("x-junk-{number}").parse::<HeaderName>();
        headers.insert(
            name.expect("a name"),
            HeaderValue::from_static("abcdefghijklmnop"),
        );
    }
    let mut request = Request::new(Empty::new());
    *request.headers_mut() = headers;
    request
}

fn check(what: &str, circuits: usize, key_bytes: usize, grown_by: i64) {
    let each = grown_by / circuits as i64;
    println!("{what}: {each} bytes for each circuit, whose key has {key_bytes}");
    assert_eq!(circuits, REQUESTS, "{what}");
    assert!(
        each <= (key_bytes + OVERHEAD) as i64,
        "{what}: {each} bytes each"
    );
}

#[test]
fn a_header_is_kept_without_the_buffer_that_it_was_read_into() {
    for (bytes, junk) in [(36, 0), (36, 90), (64, 0), (64, 90), (500, 90)] {
        let build = || KeyedCircuits::<HeaderKey>::builder("tenants").build();
        let table = build().expect("the defaults are good");
        let by_header = ByHeader::new(HeaderName::from_static("x-tenant"));
        let grown_by = grown_by(serve(
            table.clone(),
            move |request: &Request<Incoming>| by_header.key(request),
            |number| with_junk(&id(number, bytes), junk),
        ));
        let what = format!("{bytes} bytes, {junk} other headers");
        check(&what, table.len(), bytes, grown_by);
    }
}

/// As above, where the extractor is the user's and gives what `http` has.
#[test]
fn a_header_value_that_the_users_own_extractor_gives_is_kept_without_the_buffer_too() {
    let build = || KeyedCircuits::<HeaderValue>::builder_unnamed("tenants").build();
    let table = build().expect("the defaults are good");
    let grown_by = grown_by(serve(
        table.clone(),
        |request: &Request<Incoming>| request.headers().get("x-tenant").cloned(),
        |number| with_junk(&id(number, 36), 90),
    ));
    check("the user's own extractor", table.len(), 36, grown_by);
}

#[test]
fn an_authority_is_kept_without_the_url_that_it_stood_in() {
    let table = KeyedCircuits::<Authority>::builder("hosts").build();
    let table = table.expect("the defaults are good");
    let of_client = table.clone();
    let grown_by = grown_by(async move {
        for number in 0..REQUESTS {
            let query = "x".repeat(50_000);
            let url = format!("http://host-{number}.example:8080/search?q={query}");
            let request = Request::get(url).body(()).expect("a URL");
            let key = ByAuthority.key(&request).expect("it has a host");
            fail(&of_client, key);
        }
    });
    let bytes = "host-999.example:8080".len();
    check("an authority", table.len(), bytes, grown_by);
}

/// A proxy is told the whole URL in the first line of its request.
#[test]
fn an_authority_that_a_proxy_read_is_kept_without_the_buffer() {
    let table = KeyedCircuits::<Authority>::builder("hosts").build();
    let table = table.expect("the defaults are good");
    let grown_by = grown_by(serve(
        table.clone(),
        |request: &Request<Incoming>| ByAuthority.key(request),
        |number| {
            let mut request = with_junk("acme", 90);
            let uri = format!("http://host-{number}.example:8080/{}", "x".repeat(1000));
            *request.uri_mut() = uri.parse::<Uri>().expect("a URL");
            request
        },
    ));
    let bytes = "host-999.example:8080".len();
    check("a proxy's authority", table.len(), bytes, grown_by);
}

#[test]
fn no_log_and_no_page_shows_the_password_of_an_authority() {
    let table = KeyedCircuits::<Authority>::builder("hosts").build();
    let table = table.expect("the defaults are good");
    let key = Authority::from_static("user:secret@shop.example:80");
    assert_eq!(
        *table.circuit(&key).expect("there is room").name(),
        *"shop.example:80"
    );
}
