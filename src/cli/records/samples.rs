//! Records for the tests of this folder.

use crate::client::ConsumerRecord;
use crate::record::{BatchBuilder, BatchOptions, BatchView, Header};

/// What a record is made of.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    pub timestamp: i64,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl Sample {
    pub fn of(key: Option<&[u8]>, value: Option<&[u8]>, headers: &[(&str, Option<&[u8]>)]) -> Sample {
        let headers = headers.iter().map(|(k, v)| (k.as_bytes().to_vec(), v.map(<[u8]>::to_vec))).collect();
        Sample { timestamp: 1_700_000_004_000, key: key.map(<[u8]>::to_vec), value: value.map(<[u8]>::to_vec), headers }
    }

    /// Shows it as the record at offset 5 of `t-1`.
    pub fn with<T>(&self, look: impl FnOnce(&ConsumerRecord<'_>) -> T) -> T {
        let headers: Vec<Header<'_>> = self.headers.iter().map(|(key, value)| Header { key, value: value.as_deref() }).collect();
        let options = BatchOptions { base_offset: 5, partition_leader_epoch: 7, ..BatchOptions::default() };
        let mut batch = BatchBuilder::new(options);
        batch.append(self.timestamp, self.key.as_deref(), self.value.as_deref(), &headers).unwrap();
        let bytes = batch.finish().unwrap();
        let view = BatchView::parse(&bytes).unwrap();
        let data = view.data(1 << 24).unwrap();
        let record = data.iter().next().unwrap().unwrap();
        look(&ConsumerRecord::of("t", 1, &view.header, &record))
    }
}
