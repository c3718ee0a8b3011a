//! ListGroups, DescribeGroups, DeleteGroups: facts J13, J14.

use kfk::machine::group::{GroupAnswer, GroupRecord, GroupRequest, partition_for};
use kfk::wire::ErrorCode;
use kfk::wire::describe_groups_request::DescribeGroupsRequest;
use kfk::wire::list_groups_request::ListGroupsRequest;

use crate::driver::{GROUP, Join, World, commit_request, subscription};

fn list(w: &mut World, version: i16, states: &[&str], types: &[&str]) -> Vec<(String, String)> {
    let strings = |list: &[&str]| list.iter().map(|s| s.to_string()).collect();
    let request = ListGroupsRequest { states_filter: strings(states), types_filter: strings(types) };
    let token = w.send(version, GroupRequest::ListGroups(request));
    let GroupAnswer::ListGroups(answer) = w.answer(token) else { panic!() };
    assert!(answer.groups.iter().all(|g| g.group_type == "classic"));
    answer.groups.into_iter().map(|g| (g.group_id, g.group_state)).collect()
}

#[test]
fn j13_groups_are_listed_by_state_and_type() {
    let mut w = World::new();
    w.stable(1);
    let mut simple = commit_request(("", -1), "t", 0, 5);
    simple.group_id = "simple".into();
    w.commit_as(9, simple);
    let pair = |a: &str, b: &str| (a.to_string(), b.to_string());
    let both = [pair("g", "Stable"), pair("simple", "Empty")];
    assert_eq!(list(&mut w, 0, &[], &[]), both);
    assert_eq!(list(&mut w, 4, &["stable"], &[]), both[..1]);
    assert_eq!(list(&mut w, 4, &["EMPTY", "Dead"], &[]), both[1..]);
    assert_eq!(list(&mut w, 5, &[], &["Classic"]), both);
    assert_eq!(list(&mut w, 5, &[], &["consumer"]), []);
    assert_eq!(list(&mut w, 5, &["Empty"], &["classic", "share"]), both[1..]);
    assert_eq!(list(&mut w, 4, &["no such state"], &[]), []);
}

#[test]
fn j13_a_description_shows_members_and_while_stable_their_protocol() {
    let mut w = World::new();
    let (id, joining) = w.enter(Join::consumer());
    let group = w.describe(GROUP);
    assert_eq!(
        (group.group_state.as_str(), group.protocol_type.as_str(), group.protocol_data.as_str()),
        ("PreparingRebalance", "consumer", "")
    );
    assert_eq!((group.members[0].client_id.as_str(), group.members[0].client_host.as_str()), ("client", "/127.0.0.1"));
    assert!(group.members[0].member_metadata.is_empty());
    w.pass(3_000);
    w.joined(joining);
    w.assign(std::slice::from_ref(&id), 1);
    let group = w.describe(GROUP);
    assert_eq!((group.group_state.as_str(), group.protocol_data.as_str(), group.members.len()), ("Stable", "range", 1));
    assert_eq!((&group.members[0].member_metadata, &group.members[0].member_assignment[..]), (&subscription(&["t"]), id.as_bytes()));
}

#[test]
fn j13_an_unknown_group_is_dead_and_from_version_6_an_error() {
    let mut w = World::new();
    for version in [0, 5, 6] {
        let request = DescribeGroupsRequest { groups: vec!["nobody".into()], ..Default::default() };
        let token = w.send(version, GroupRequest::DescribeGroups(request));
        let GroupAnswer::DescribeGroups(answer) = w.answer(token) else { panic!() };
        let group = &answer.groups[0];
        let error = if version >= 6 { ErrorCode::GroupIdNotFound } else { ErrorCode::None };
        assert_eq!((group.group_state.as_str(), group.error_code), ("Dead", error.code()));
    }
}

#[test]
fn j14_only_empty_groups_are_deleted_and_their_offsets_with_them() {
    let mut w = World::new();
    assert_eq!(w.delete(GROUP), ErrorCode::GroupIdNotFound);
    let ids = w.stable(1);
    w.commit((&ids[0], 1), 0, 5);
    assert_eq!(w.delete(GROUP), ErrorCode::NonEmptyGroup);
    w.leave(3, &[(&ids[0], None)]);
    let since = w.shard.log().items.len();
    assert_eq!(w.delete(GROUP), ErrorCode::None);
    let records = w.shard.log().records(since);
    assert!(matches!(&records[..], [GroupRecord::Offset { value: None, .. }, GroupRecord::Group { value: None, .. }]), "{records:?}");
    assert_eq!((w.state().as_str(), w.fetch(0)), ("Dead", -1));
    w.crash();
    assert!(w.shard.machine().snapshot().is_empty());
}

#[test]
fn j14_a_deleted_group_forgets_the_ids_it_gave_out() {
    let mut w = World::new();
    let id = w.member_id(&Join::consumer());
    assert_eq!(w.delete(GROUP), ErrorCode::None);
    let token = w.join(&Join::consumer().id(&id));
    assert_eq!(w.join_error(token), ErrorCode::UnknownMemberId);
}

#[test]
fn a_group_lives_where_javas_hash_of_its_id_says() {
    let places: Vec<i32> = ["", "g", "team-classic", "grüße", "polygenelubricants"].iter().map(|g| partition_for(g, 50)).collect();
    assert_eq!(places, [0, 3, 16, 23, 0]);
}
