//! Transactional producers: begin, write, send offsets, commit, abort, be fenced, come back.

use std::collections::BTreeSet;

use kfk::machine::group::{GroupAnswer, GroupRequest};
use kfk::machine::partition::txn::{Guard, Incoming, Support};
use kfk::machine::txn::{AddPartitions, Purpose, TransactionVersion, TxnAnswer, TxnRequest};
use kfk::types::{TopicId, TopicPartition};
use kfk::wire::ErrorCode;
use kfk::wire::end_txn_request::EndTxnRequest;
use kfk::wire::init_producer_id_request::InitProducerIdRequest;
use kfk::wire::txn_offset_commit_request::{TxnOffsetCommitRequest, TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic};

use crate::acks::From;
use crate::model::{Outcome, TxnModel};
use crate::node::{Fail, OFFSETS, Part, SOURCE};
use crate::ops::{Sender, append, batch, is_coordinators_trouble};
use crate::world::World;

impl World {
    pub fn transact(&mut self) {
        if self.clients.is_empty() {
            return self.produce_idempotent();
        }
        let who = self.rng.below(self.clients.len() as u64) as usize;
        if self.clients[who].ids.is_none() || self.rng.below(40) == 0 {
            return self.init(who);
        }
        match self.rng.below(10) {
            _ if self.clients[who].must_abort => self.end(who, false),
            0..=5 => self.write(who),
            6 => self.send_offset(who),
            7 => self.end(who, false),
            _ => self.end(who, true),
        }
    }

    fn speaks_v2(&self) -> bool {
        self.manner.transaction_version >= 2
    }

    /// A new process of the client: whatever was open is aborted.
    fn init(&mut self, who: usize) {
        self.give_up(who);
        let request = InitProducerIdRequest {
            transactional_id: Some(self.clients[who].name.clone()),
            transaction_timeout_ms: 60_000,
            producer_id: -1,
            producer_epoch: -1,
            ..Default::default()
        };
        let (now, version) = (self.now, if self.speaks_v2() { 5 } else { 4 });
        let answer = self.node().ask_txn(now, version, TxnRequest::InitProducerId(request));
        let Some(TxnAnswer::InitProducerId(answer)) = answer else {
            // It waits for the end of the last transaction; the client times out and comes again.
            self.note(format!("init {who} waits"));
            return;
        };
        let code = ErrorCode::from_code(answer.error_code);
        self.note(format!("init {who}: {code:?} {} {}", answer.producer_id, answer.producer_epoch));
        if code == ErrorCode::None {
            self.clients[who].ids = Some((answer.producer_id, answer.producer_epoch));
            self.clients[who].next.clear();
        } else {
            let fair = is_coordinators_trouble(code) || code == ErrorCode::ConcurrentTransactions;
            assert!(fair, "{}", self.what(&format!("init: {code:?}")));
        }
    }

    /// The client forgets its transaction: unless a commit was asked for, it will be aborted.
    fn give_up(&mut self, who: usize) {
        let client = &mut self.clients[who];
        if let Some(txn) = client.open.take()
            && self.model.txns[txn].outcome == Outcome::Open
        {
            self.model.txns[txn].outcome = Outcome::Aborted;
        }
        client.ids = None;
        client.must_abort = false;
        client.unsure = false;
        client.added = BTreeSet::new();
    }

    fn begin(&mut self, who: usize) -> usize {
        if let Some(open) = self.clients[who].open {
            return open;
        }
        let txn = self.model.txns.len();
        self.model.txns.push(TxnModel { outcome: Outcome::Open, offset: None });
        self.stats.transactions += 1;
        self.clients[who].open = Some(txn);
        self.clients[who].history.push(txn);
        txn
    }

    /// Sees to it that a partition belongs to the transaction, as the client (TV1) and the broker (TV1, TV2) do.
    fn enlist(&mut self, who: usize, partition: &TopicPartition, part: &Part, sequence: i32) -> Result<Option<Guard>, ErrorCode> {
        let (producer_id, epoch) = self.clients[who].ids.ok_or(ErrorCode::InvalidProducerEpoch)?;
        let place = (partition.topic.clone(), partition.partition);
        let support = if self.speaks_v2() { Support::Adds } else { Support::Old };
        if support == Support::Old && !self.clients[who].added.contains(&place) {
            self.ask_to_add(who, partition, Purpose::Add(TransactionVersion::V0))?;
            self.clients[who].added.insert(place);
        }
        let incoming = Incoming { producer_id, epoch, first_sequence: sequence, transactional: true };
        let now = self.now;
        let guard = part.borrow_mut().begin_transaction(now, &incoming, support).map_err(|why| why.code())?;
        if guard.is_some() {
            let purpose = if self.speaks_v2() { Purpose::Add(TransactionVersion::V2) } else { Purpose::Verify };
            self.ask_to_add(who, partition, purpose).map_err(|code| support.refusal(code))?;
        }
        Ok(guard)
    }

    fn ask_to_add(&mut self, who: usize, partition: &TopicPartition, purpose: Purpose) -> Result<(), ErrorCode> {
        let (producer_id, producer_epoch) = self.clients[who].ids.ok_or(ErrorCode::InvalidProducerEpoch)?;
        let transactional_id = self.clients[who].name.clone();
        let add = AddPartitions { transactional_id, producer_id, producer_epoch, partitions: vec![partition.clone()], purpose };
        let (now, version) = (self.now, if purpose == Purpose::Add(TransactionVersion::V0) { 3 } else { 5 });
        match self.node().ask_txn(now, version, TxnRequest::AddPartitions(add)) {
            Some(TxnAnswer::AddPartitions(results)) => match results[0].1 {
                ErrorCode::None => Ok(()),
                code => Err(code),
            },
            None => {
                self.excuse_silence("add partitions");
                Err(ErrorCode::RequestTimedOut)
            }
            other => panic!("{}", self.what(&format!("add partitions: {other:?}"))),
        }
    }

    fn write(&mut self, who: usize) {
        let Some(id) = self.any_part(false) else { return };
        let Some(part) = self.part(id) else { return };
        let partition = part.borrow().log().partition().clone();
        let txn = self.begin(who);
        let sequence = self.clients[who].next.get(&id).copied().unwrap_or(0);
        let entries = self.entries(Some(txn));
        let enlisted = self.enlist(who, &partition, &part, sequence);
        let (producer_id, epoch) = self.clients[who].ids.unwrap_or((-1, -1));
        let sender = Sender { producer_id, epoch, sequence, transactional: true };
        let bytes = batch(self.now, sender, &entries);
        let sent = match enlisted {
            Ok(guard) => append(&mut part.borrow_mut(), self.now, &bytes, guard),
            Err(code) => Err(Fail::Refused(code)),
        };
        self.note(format!("txn {txn} of {who} ({producer_id}, {epoch}) {sequence} +{} to {partition}: {sent:?}", entries.len()));
        match sent {
            Ok(base) => {
                self.clients[who].next.insert(id, sequence + entries.len() as i32);
                self.appended(id, base, &entries, From::Transaction { who });
            }
            Err(Fail::Unknown(_)) => {
                self.in_doubt(id, &entries);
                self.clients[who].must_abort = true;
                self.clients[who].unsure = true;
            }
            Err(Fail::Refused(code)) => self.refused(who, code),
        }
    }

    /// A request in a transaction was refused: the client comes again, aborts, or begins anew.
    fn refused(&mut self, who: usize, code: ErrorCode) {
        use ErrorCode::*;
        match code {
            ConcurrentTransactions => {}
            code if is_coordinators_trouble(code) => self.clients[who].must_abort = true,
            // It was too slow: its transaction was ended by the coordinator.
            ProducerFenced | InvalidProducerEpoch | InvalidTxnState | TransactionAbortable | InvalidProducerIdMapping => self.give_up(who),
            other => panic!("{}", self.what(&format!("a transactional request is refused: {other:?}"))),
        }
    }

    fn send_offset(&mut self, who: usize) {
        let txn = self.begin(who);
        let offsets = TopicPartition::new(OFFSETS, 0);
        let part = self.node().parts.values().find(|p| *p.borrow().log().partition() == offsets).cloned().expect("it is open");
        let enlisted = self.enlist(who, &offsets, &part, -1);
        let guard = match enlisted {
            Ok(guard) => guard,
            Err(code) => {
                self.note(format!("txn {txn} of {who} sends offsets: {code:?}"));
                return self.refused(who, code);
            }
        };
        let (producer_id, producer_epoch) = self.clients[who].ids.unwrap_or((-1, -1));
        let offset = self.fresh() as i64;
        let partition = TxnOffsetCommitRequestPartition { partition_index: 0, committed_offset: offset, ..Default::default() };
        let request = TxnOffsetCommitRequest {
            transactional_id: self.clients[who].name.clone(),
            group_id: format!("group-{}", self.clients[who].name),
            producer_id,
            producer_epoch,
            generation_id: -1,
            topics: vec![TxnOffsetCommitRequestTopic { name: SOURCE.into(), partitions: vec![partition] }],
            ..Default::default()
        };
        let (now, version) = (self.now, if self.speaks_v2() { 5 } else { 3 });
        let answer = self.node().ask_group(now, version, guard, GroupRequest::TxnOffsetCommit(request));
        let code = match answer {
            Some(GroupAnswer::TxnOffsetCommit(answer)) => ErrorCode::from_code(answer.topics[0].partitions[0].error_code),
            _ => {
                self.excuse_silence("offsets of a transaction");
                ErrorCode::RequestTimedOut
            }
        };
        self.note(format!("txn {txn} of {who} offset {offset}: {code:?}"));
        match code {
            ErrorCode::None => self.model.txns[txn].offset = Some(offset),
            code => {
                // It may be there or not, so the transaction must not be committed.
                self.clients[who].must_abort = true;
                self.refused(who, code);
            }
        }
    }

    fn end(&mut self, who: usize, commit: bool) {
        let Some(txn) = self.clients[who].open else { return };
        if commit && !self.is_flushed(who) {
            return self.note(format!("txn {txn} of {who} still waits for answers"));
        }
        let Some((producer_id, producer_epoch)) = self.clients[who].ids else { return };
        let transactional_id = self.clients[who].name.clone();
        let request = EndTxnRequest { transactional_id, producer_id, producer_epoch, committed: commit };
        // Until the answer is here, the client itself does not know.
        let asked = if commit { Outcome::MaybeCommitted } else { Outcome::Aborted };
        let (now, version) = (self.now, if self.speaks_v2() { 5 } else { 4 });
        let answer = self.node().ask_txn(now, version, TxnRequest::EndTxn(request));
        let Some(TxnAnswer::EndTxn(answer)) = answer else {
            self.excuse_silence("the end of a transaction");
            self.model.txns[txn].outcome = asked;
            return self.give_up(who);
        };
        let code = ErrorCode::from_code(answer.error_code);
        self.note(format!("txn {txn} of {who} ends ({commit}): {code:?} {} {}", answer.producer_id, answer.producer_epoch));
        let outcome = &mut self.model.txns[txn].outcome;
        match code {
            ErrorCode::None => {
                *outcome = if commit { Outcome::Committed } else { Outcome::Aborted };
                self.ended(who, (answer.producer_id, answer.producer_epoch));
            }
            ErrorCode::ConcurrentTransactions if *outcome == Outcome::Open => {}
            code if is_coordinators_trouble(code) || code == ErrorCode::ConcurrentTransactions => {
                *outcome = asked;
                // Sometimes the client is patient and asks again.
                if self.rng.below(2) == 0 {
                    self.give_up(who);
                }
            }
            // TV2: nothing was written in it, which is no transaction.
            ErrorCode::InvalidTxnState if *outcome == Outcome::Open => {
                *outcome = Outcome::Aborted;
                self.give_up(who);
            }
            _ => self.refused_end(who, txn, code),
        }
    }

    fn refused_end(&mut self, who: usize, txn: usize, code: ErrorCode) {
        use ErrorCode::*;
        let fair = matches!(code, ProducerFenced | InvalidProducerEpoch | InvalidTxnState | InvalidProducerIdMapping);
        assert!(fair, "{}", self.what(&format!("EndTxn: {code:?}")));
        if self.model.txns[txn].outcome == Outcome::Open {
            self.model.txns[txn].outcome = Outcome::Aborted;
        }
        self.give_up(who);
    }

    fn ended(&mut self, who: usize, (producer_id, epoch): (i64, i16)) {
        let v2 = self.speaks_v2();
        let client = &mut self.clients[who];
        client.open = None;
        client.must_abort = false;
        client.added = BTreeSet::new();
        if std::mem::take(&mut client.unsure) {
            client.ids = None;
        } else if v2 {
            // TV2: every transaction has an epoch of its own, and its sequences begin at 0.
            client.ids = Some((producer_id, epoch));
            client.next.clear();
        }
    }

    /// At the end of a history, when everything had its time: no transaction hangs, offsets went with the records.
    pub fn all_is_settled(&mut self) {
        let parts: Vec<((TopicId, i32), Part)> = self.node().parts.iter().map(|(id, p)| (*id, p.clone())).collect();
        for (_, part) in parts {
            let (offsets, name) = (part.borrow().offsets(), part.borrow().log().partition().clone());
            assert_eq!(offsets.last_stable(), offsets.high_watermark(), "{}", self.what(&format!("a transaction hangs in {name}")));
        }
        for who in 0..self.clients.len() {
            self.offsets_went_with_records(who);
        }
    }

    fn offsets_went_with_records(&mut self, who: usize) {
        let group = format!("group-{}", self.clients[who].name);
        let found = self.fetch_offset(&group, SOURCE, 0).unwrap_or_else(|| panic!("{}", self.what("offsets cannot be read in peace")));
        let txns = &self.model.txns;
        let with_offset: Vec<usize> = self.clients[who].history.iter().copied().filter(|t| txns[*t].offset.is_some()).collect();
        let last = with_offset.iter().rposition(|t| txns[*t].outcome == Outcome::Committed);
        let after = last.map_or(0, |at| at + 1);
        let mut possible: Vec<i64> = vec![last.map_or(-1, |at| txns[with_offset[at]].offset.unwrap())];
        let maybe = with_offset[after..].iter().filter(|t| txns[**t].outcome == Outcome::MaybeCommitted);
        possible.extend(maybe.filter_map(|t| txns[*t].offset));
        assert!(possible.contains(&found), "{}", self.what(&format!("V12: {group} is at {found}, committed were {possible:?}")));
    }
}
