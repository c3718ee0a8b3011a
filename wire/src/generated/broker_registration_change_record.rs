//! BrokerRegistrationChangeRecord, versions 0 to 3. Written by kfk-codegen from Kafka's definition.

use crate::prelude::*;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct BrokerRegistrationChangeRecord {
    /// The broker id.
    pub broker_id: i32,
    /// The broker epoch assigned by the controller.
    pub broker_epoch: i64,
    /// -1 if the broker has been unfenced, 0 if no change, 1 if the broker has been fenced.
    pub fenced: i8,
    /// 0 if no change, 1 if the broker is in controlled shutdown. (versions 1+)
    pub in_controlled_shutdown: i8,
    /// Log directories configured in this broker which are available. (versions 2+)
    pub log_dirs: Vec<Uuid>,
    /// Log directories that are cordoned or null if no change. (version 3)
    pub cordoned_log_dirs: Option<Vec<Uuid>>,
}

impl Message for BrokerRegistrationChangeRecord {
    const NAME: &'static str = "BrokerRegistrationChangeRecord";
    const MIN: i16 = 0;
    const MAX: i16 = 3;

    fn decode(r: &mut Reader, v: i16) -> Result<Self, DecodeError> {
        Self::check_version(v).ok_or(DecodeError::version::<Self>(v))?;

        let mut out = Self::default();
        out.broker_id = r.i32()?;
        out.broker_epoch = r.i64()?;
        r.tags(|r, tag| {
            match tag {
                0 => out.fenced = r.i8()?,
                1 if v >= 1 => out.in_controlled_shutdown = r.i8()?,
                2 if v >= 2 => out.log_dirs = r.list(true)?,
                3 if v >= 3 => out.cordoned_log_dirs = r.opt_list(true)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(out)
    }

    fn encode(&self, w: &mut Writer, v: i16) -> Result<(), EncodeError> {
        Self::check_version(v).ok_or(EncodeError::version::<Self>(v))?;

        w.i32(self.broker_id);
        w.i64(self.broker_epoch);
        if v < 1 && self.in_controlled_shutdown != 0 {
            return Err(EncodeError::absent("InControlledShutdown", v));
        }
        if v < 2 && !self.log_dirs.is_empty() {
            return Err(EncodeError::absent("LogDirs", v));
        }
        if v < 3 && self.cordoned_log_dirs.is_some() {
            return Err(EncodeError::absent("CordonedLogDirs", v));
        }
        let t = w.start_tags();
        if self.fenced != 0 {
            w.tag(t, 0, |w| {
                w.i8(self.fenced);
                Ok(())
            })?;
        }
        if v >= 1 && self.in_controlled_shutdown != 0 {
            w.tag(t, 1, |w| {
                w.i8(self.in_controlled_shutdown);
                Ok(())
            })?;
        }
        if v >= 2 && !self.log_dirs.is_empty() {
            w.tag(t, 2, |w| {
                w.list(&self.log_dirs, true)?;
                Ok(())
            })?;
        }
        if v >= 3 && self.cordoned_log_dirs.is_some() {
            w.tag(t, 3, |w| {
                w.opt_list(self.cordoned_log_dirs.as_deref(), true)?;
                Ok(())
            })?;
        }

        Ok(())
    }
}

impl Json for BrokerRegistrationChangeRecord {
    fn to_json(&self, v: i16) -> Value {
        let mut o = Object::new();
        o.put("brokerId", &self.broker_id, v);
        o.put("brokerEpoch", &self.broker_epoch, v);
        if self.fenced != 0 {
            o.put("fenced", &self.fenced, v);
        }
        if v >= 1 {
            if self.in_controlled_shutdown != 0 {
                o.put("inControlledShutdown", &self.in_controlled_shutdown, v);
            }
        }
        if v >= 2 {
            if !self.log_dirs.is_empty() {
                o.put("logDirs", &self.log_dirs, v);
            }
        }
        if v >= 3 {
            if self.cordoned_log_dirs.is_some() {
                o.put("cordonedLogDirs", &self.cordoned_log_dirs, v);
            }
        }
        o.done()
    }
}

impl BrokerRegistrationChangeRecord {
    /// Its number among the records of its log.
    pub const TYPE: i16 = 17;
}
