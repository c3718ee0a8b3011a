//! Reaching a broker, or saying plainly why not: refused, silent, not Kafka, cut off, gone idle, restarted.

#[path = "common/fake.rs"]
mod fake;
#[path = "client_connect/security.rs"]
mod security;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use fake::{Answer, FakeBroker, values};
use kfk::client::{Admin, Cause, Client, ClientConfig, Error, Speaks};
use kfk::wire::ApiKey;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn client(bootstrap: &str, settings: &[(&str, &str)]) -> Client {
    Client::new(ClientConfig::parse(&values(bootstrap, settings)).unwrap())
}

/// Why the only address cannot be used.
async fn cause(client: &Client) -> Cause {
    match client.refresh(&[]).await {
        Err(Error::NoBroker { mut tried, .. }) if tried.len() == 1 => tried.remove(0).1,
        other => panic!("{other:?}"),
    }
}

/// A port where someone listens, reads, and says `words` (or nothing, keeping quiet).
async fn port_that_says(words: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut heard = [0; 1024];
            let _ = stream.read(&mut heard).await;
            let _ = stream.write_all(words).await;
            if words.is_empty() {
                kept.push(stream);
            }
        }
    });
    address
}

async fn refused_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}

#[tokio::test]
async fn a_refused_port_is_told_at_once() {
    let start = Instant::now();
    let address = refused_port().await;
    assert_eq!(cause(&client(&address, &[])).await, Cause::Refused);
    assert!(start.elapsed() < Duration::from_millis(200));
}

#[tokio::test]
async fn a_silent_port_is_given_the_time_to_connect_and_no_more() {
    let address = port_that_says(b"").await;
    let start = Instant::now();
    let limit = Duration::from_millis(300);
    assert_eq!(cause(&client(&address, &[("socket.connection.setup.timeout.ms", "300")])).await, Cause::NoAnswer(limit));
    // Then it is asked once more, whether it speaks TLS or HTTP.
    assert!(start.elapsed() >= limit && start.elapsed() < 4 * limit);
}

#[tokio::test]
async fn tls_http_and_other_strangers_are_recognised() {
    let limit = [("socket.connection.setup.timeout.ms", "2000")];
    let http = port_that_says(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    assert_eq!(cause(&client(&http, &limit)).await, Cause::NotKafka(Speaks::Http));
    let tls = port_that_says(&[0x15, 3, 1, 0, 2, 2, 0x46]).await;
    assert_eq!(cause(&client(&tls, &limit)).await, Cause::NotKafka(Speaks::Tls));
    let ssh = port_that_says(b"SSH-2.0-OpenSSH_9.9\r\n").await;
    assert_eq!(cause(&client(&ssh, &limit)).await, Cause::NotKafka(Speaks::Unknown));
    let garbage = port_that_says(&[0, 0, 0, 12, 0, 0, 0, 0, 9, 9, 9, 9, 9, 9, 9, 9]).await;
    assert!(matches!(cause(&client(&garbage, &limit)).await, Cause::NotKafka(_) | Cause::Closed(_)));
    // A TLS port of a Java server may say nothing and hang up.
    let hangs_up = FakeBroker::start(|_| Some(Answer::Cut)).await;
    assert!(matches!(cause(&client(&hangs_up.address, &limit)).await, Cause::Closed(why) if why.contains("TLS")));
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_told() {
    assert!(matches!(cause(&client("no-such-host.invalid:9092", &[])).await, Cause::Unresolved(_)));
}

#[tokio::test]
async fn one_living_bootstrap_server_is_enough_and_all_dead_ones_are_named() {
    let (silent, refused) = (port_that_says(b"").await, refused_port().await);
    let broker = FakeBroker::start(|_| None).await;
    let start = Instant::now();
    let some = client(&format!("{silent},{refused},{}", broker.address), &[]);
    assert_eq!(some.refresh(&["t"]).await.unwrap().leader("t", 0), Some(1));
    assert!(start.elapsed() < Duration::from_secs(2), "the silent one does not hold up the others");

    let dead = client(&format!("{silent},{refused}"), &[("socket.connection.setup.timeout.ms", "300")]);
    let Err(error @ Error::NoBroker { .. }) = dead.refresh(&[]).await else { panic!() };
    let text = format!("cannot reach any broker of {silent}: no answer within 0.3 s; {refused}: connection refused");
    assert_eq!(error.to_string(), text);
}

#[tokio::test]
async fn every_address_of_a_name_is_tried() {
    // The name may stand for ::1 and 127.0.0.1; only the latter is listened on.
    let broker = FakeBroker::start(|_| None).await;
    let name = broker.address.replace("127.0.0.1", "localhost");
    for lookup in ["use_all_dns_ips", "resolve_canonical_bootstrap_servers_only"] {
        let found = client(&name, &[("client.dns.lookup", lookup)]).refresh(&["t"]).await.unwrap();
        assert_eq!(found.leader("t", 0), Some(1), "{lookup}");
    }
}

#[tokio::test]
async fn pauses_between_attempts_grow_and_differ() {
    let client = client("localhost:1", &[("retry.backoff.ms", "100"), ("retry.backoff.max.ms", "1000")]);
    for (tries, middle) in [(0, 100), (1, 200), (3, 800), (4, 1000), (60, 1000)] {
        let pauses: Vec<u128> = (0..50).map(|_| client.backoff(tries).as_millis()).collect();
        assert!(pauses.iter().all(|p| (middle * 8 / 10..=middle * 12 / 10).contains(p)), "{tries}: {pauses:?}");
        assert!(pauses.iter().any(|p| *p != pauses[0]), "{pauses:?}");
    }
}

#[tokio::test]
async fn canonical_bootstrap_names_reach_the_broker_too() {
    let broker = FakeBroker::start(|_| None).await;
    let settings = [("client.dns.lookup", "resolve_canonical_bootstrap_servers_only")];
    assert_eq!(client(&broker.address, &settings).refresh(&[]).await.unwrap().brokers.len(), 1);
}

#[tokio::test]
async fn one_connection_serves_bootstrap_and_broker() {
    let broker = FakeBroker::start(|_| None).await;
    let client = Client::new(broker.client(&[]));
    client.refresh(&["t"]).await.unwrap();
    client.version_of::<kfk::wire::produce_request::ProduceRequest>(1).await.unwrap();
    assert_eq!((broker.connections(), broker.count(ApiKey::ApiVersions)), (1, 1));
}

#[tokio::test]
async fn an_answer_cut_in_its_middle_is_asked_for_again() {
    let cuts = Arc::new(AtomicUsize::new(0));
    let counted = cuts.clone();
    let broker = FakeBroker::start(move |call| {
        let cut = call.key == ApiKey::DescribeCluster && counted.fetch_add(1, Ordering::SeqCst) < 3;
        let at = 3 * counted.load(Ordering::SeqCst);
        cut.then(|| Answer::CutAfter(at, Box::new(call.answer(&kfk::wire::describe_cluster_response::DescribeClusterResponse::default()))))
    });
    let broker = broker.await;
    let admin = Admin::new(broker.client(&[("retry.backoff.ms", "1"), ("default.api.timeout.ms", "1000")]));
    // After three cuts the usual answer of the fake broker to this request: it hangs up, for ever.
    let error = admin.describe_cluster().await.unwrap_err();
    assert!(matches!(&error, Error::TimedOut { last: Some(last), .. } if matches!(**last, Error::Node { .. })), "{error:?}");
    assert!(cuts.load(Ordering::SeqCst) > 3);
}

#[tokio::test]
async fn a_call_without_an_answer_ends_after_the_request_timeout_and_takes_its_connection_along() {
    let broker = FakeBroker::start(|call| (call.key == ApiKey::DescribeCluster).then_some(Answer::Silence)).await;
    let client = Client::new(broker.client(&[("request.timeout.ms", "200")]));
    client.refresh(&[]).await.unwrap();
    let asked = client.call_any(&kfk::wire::describe_cluster_request::DescribeClusterRequest::default()).await;
    assert!(matches!(asked, Err(Error::Node { cause: Cause::NoAnswer(_), .. })), "{asked:?}");
    client.refresh(&[]).await.unwrap();
    assert_eq!(broker.connections(), 2);
}

#[tokio::test]
async fn an_idle_connection_is_closed_and_opened_again_when_needed() {
    let broker = FakeBroker::start(|_| None).await;
    let client = Client::new(broker.client(&[("connections.max.idle.ms", "50")]));
    client.refresh(&[]).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    client.refresh(&[]).await.unwrap();
    assert_eq!(broker.connections(), 2);
}

#[tokio::test]
async fn a_late_answer_is_waited_for_as_long_as_the_request_timeout_allows() {
    let broker = FakeBroker::start(|call| {
        let late =
            || call.answer(&kfk::wire::describe_cluster_response::DescribeClusterResponse { controller_id: 1, ..Default::default() });
        (call.key == ApiKey::DescribeCluster).then(|| Answer::Later(Duration::from_millis(100), Box::new(late())))
    });
    let broker = broker.await;
    let admin = Admin::new(broker.client(&[("request.timeout.ms", "5000")]));
    assert_eq!(admin.describe_cluster().await.unwrap().controller, 1);
}
