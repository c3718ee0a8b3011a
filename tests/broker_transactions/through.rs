//! A way to the broker on which things can be changed: an older cluster played, connections cut.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use kfk::wire::api_versions_request::ApiVersionsRequest;
use kfk::wire::frame::{read_request_header, read_response_header};
use kfk::wire::{ApiKey, Message, Reader, Request, Writer};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What goes wrong on the way.
#[derive(Default)]
pub struct Faults {
    /// The cluster says that it has agreed on no features.
    pub no_features: AtomicBool,
    /// After this many requests of the kind, answers to it are lost and their connection with them; 0: never. Counts down.
    pub lose: Mutex<Option<(ApiKey, usize)>>,
    pub lost: AtomicUsize,
    /// Requests seen, with their versions.
    pub seen: Mutex<Vec<(ApiKey, i16)>>,
}

/// Listens on `listener` and passes everything on to `broker`.
pub async fn pass_on(listener: TcpListener, broker: SocketAddr, faults: Arc<Faults>) {
    while let Ok((client, _)) = listener.accept().await {
        let faults = faults.clone();
        tokio::spawn(async move {
            if let Ok(server) = TcpStream::connect(broker).await {
                let _ = connection(client, server, &faults).await;
            }
        });
    }
}

/// One request at a time: the clients of these tests have no need of more.
async fn connection(mut client: TcpStream, mut server: TcpStream, faults: &Faults) -> std::io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    loop {
        let request = frame(&mut client).await?;
        let Ok((key, header)) = read_request_header(&mut Reader::new(request.clone())) else { return Ok(()) };
        let version = header.request_api_version;
        faults.seen.lock().push((key, version));
        write(&mut server, &request).await?;
        let mut answer = frame(&mut server).await?;
        if faults.loses(key) {
            faults.lost.fetch_add(1, Ordering::SeqCst);
            return Ok(());
        }
        if key == ApiKey::ApiVersions && faults.no_features.load(Ordering::SeqCst) {
            answer = without_features(&answer, version);
        }
        write(&mut client, &answer).await?;
    }
}

impl Faults {
    fn loses(&self, key: ApiKey) -> bool {
        let mut lose = self.lose.lock();
        match &mut *lose {
            Some((of, 0)) if *of == key => {
                *lose = None;
                true
            }
            Some((of, left)) if *of == key => {
                *left -= 1;
                false
            }
            _ => false,
        }
    }

    /// The versions in which a kind of request was seen.
    pub fn versions(&self, of: ApiKey) -> Vec<i16> {
        self.seen.lock().iter().filter(|(key, _)| *key == of).map(|(_, version)| *version).collect()
    }
}

async fn frame(from: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut frame = vec![0; from.read_i32().await? as usize];
    from.read_exact(&mut frame).await?;
    Ok(frame)
}

async fn write(to: &mut TcpStream, frame: &[u8]) -> std::io::Result<()> {
    let mut all = (frame.len() as i32).to_be_bytes().to_vec();
    all.extend_from_slice(frame);
    to.write_all(&all).await
}

fn without_features(answer: &[u8], version: i16) -> Vec<u8> {
    let mut reader = Reader::new(answer.to_vec());
    let id = read_response_header(&mut reader, ApiKey::ApiVersions, version).unwrap();
    let mut versions = <ApiVersionsRequest as Request>::Response::decode(&mut reader, version).unwrap();
    versions.finalized_features.clear();
    let mut w = Writer::new();
    versions.encode(&mut w, version).unwrap();
    [id.to_be_bytes().to_vec(), w.into_bytes().unwrap().to_vec()].concat()
}
