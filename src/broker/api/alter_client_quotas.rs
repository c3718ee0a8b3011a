//! AlterClientQuotas: limits of users, client ids and addresses, decided by the controller.

use std::collections::BTreeSet;
use std::net::{IpAddr, ToSocketAddrs};

use tracing::warn;

use crate::broker::context::Cx;
use crate::broker::reply::Reply;
use crate::machine::controller::{AlterClientQuotas, quotas::IP};
use crate::wire::ErrorCode;
use crate::wire::alter_client_quotas_request::{AlterClientQuotasRequest, EntryData};
use crate::wire::alter_client_quotas_response::{AlterClientQuotasResponse, EntityData, EntryData as EntryResult};

pub fn handle(cx: Cx, request: AlterClientQuotasRequest) -> Reply<AlterClientQuotasResponse> {
    Reply::blocking(move || {
        let unresolved = addresses(&request).filter(|name| !resolves(name)).map(str::to_string).collect();
        let command = AlterClientQuotas { request, unresolved };
        let response = cx.broker.submit(&command).unwrap_or_else(|code| refused(&command.request, code));
        let sets = |entry: &&EntryData| entry.ops.iter().any(|op| !op.remove);
        let set = command.request.entries.iter().filter(sets).zip(&response.entries).any(|(_, result)| result.error_code == 0);
        if set && !command.request.validate_only {
            warn!("client quotas are kept and shown, but this version does not hold clients to them");
        }
        response
    })
}

/// The addresses or host names that the request sets limits for.
fn addresses(request: &AlterClientQuotasRequest) -> impl Iterator<Item = &str> {
    let parts = request.entries.iter().flat_map(|entry| &entry.entity);
    let names: BTreeSet<&str> = parts.filter(|part| part.entity_type == IP).filter_map(|part| part.entity_name.as_deref()).collect();
    names.into_iter()
}

/// May take as long as the system's resolver.
fn resolves(name: &str) -> bool {
    name.parse::<IpAddr>().is_ok() || (name, 0u16).to_socket_addrs().is_ok_and(|mut found| found.next().is_some())
}

fn refused(request: &AlterClientQuotasRequest, code: ErrorCode) -> AlterClientQuotasResponse {
    let entries = request.entries.iter().map(|entry| EntryResult {
        error_code: code.code(),
        error_message: None,
        entity: entry
            .entity
            .iter()
            .map(|part| EntityData { entity_type: part.entity_type.clone(), entity_name: part.entity_name.clone() })
            .collect(),
    });
    AlterClientQuotasResponse { entries: entries.collect(), ..Default::default() }
}
