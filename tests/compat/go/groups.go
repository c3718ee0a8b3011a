package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// member is a consumer of a group that notes what it is given.
type member struct {
	*kgo.Client
	mu      sync.Mutex
	owned   map[string]bool
	changes int
	seen    []*kgo.Record
}

func join(group, t string, opts ...kgo.Opt) *member {
	m := &member{owned: map[string]bool{}}
	note := func(have bool) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, parts map[string][]int32) {
			m.mu.Lock()
			defer m.mu.Unlock()
			for t, ps := range parts {
				for _, p := range ps {
					m.changes++
					if have {
						m.owned[fmt.Sprint(t, p)] = true
					} else {
						delete(m.owned, fmt.Sprint(t, p))
					}
				}
			}
		}
	}
	base := []kgo.Opt{kgo.ConsumerGroup(group), kgo.ConsumeTopics(t), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit(),
		kgo.HeartbeatInterval(300 * time.Millisecond), kgo.SessionTimeout(10 * time.Second),
		kgo.OnPartitionsAssigned(note(true)), kgo.OnPartitionsRevoked(note(false)), kgo.OnPartitionsLost(note(false))}
	m.Client = client(append(base, opts...)...)
	return m
}

func (m *member) holds() int {
	ctx, cancel := context.WithTimeout(bg, 50*time.Millisecond)
	defer cancel()
	m.PollFetches(ctx).EachRecord(func(r *kgo.Record) { m.seen = append(m.seen, r) })
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.owned)
}

// state is what a member holds and how often that changed.
func (m *member) state() (string, int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return fmt.Sprint(m.owned), m.changes
}

// twoMembers share four partitions; when one leaves the other has all, and reads what comes.
func twoMembers(opts ...kgo.Opt) {
	t, g := topic("two", 4), unique("group")
	a := join(g, t, opts...)
	defer a.Close()
	b := join(g, t, opts...)
	until("two partitions each", func() bool { return a.holds() == 2 && b.holds() == 2 })
	b.Close()
	until("four partitions", func() bool { return a.holds() == 4 })
	for p := int32(0); p < 4; p++ {
		fill(t, p, 5)
	}
	until("20 records", func() bool { a.holds(); return len(a.seen) == 20 })
}

// pattern: the client resolves the expression; a topic that comes later joins.
func pattern() {
	prefix := unique("pattern")
	must(create(prefix+"-one", 1))
	m := join(unique("group"), prefix+"-.*", kgo.ConsumeRegex())
	defer m.Close()
	until("one partition", func() bool { return m.holds() == 1 })
	must(create(prefix+"-two", 1))
	until("two partitions", func() bool { return m.holds() == 2 })
}

// staticMember: one that returns has its partitions again, and the other notices nothing.
func staticMember(opts ...kgo.Opt) {
	t, g := topic("static", 2), unique("group")
	other := join(g, t, append(opts, kgo.InstanceID("other"))...)
	defer other.Close()
	var had string
	var before int
	for round := 0; round < 2; round++ {
		m := join(g, t, append(opts, kgo.InstanceID("first"))...)
		until("a partition each", func() bool { return m.holds() == 1 && other.holds() == 1 })
		holds, _ := m.state()
		_, changes := other.state()
		if round == 1 {
			equal(had, holds, "partitions after the return")
			equal(before, changes, "changes that the other saw")
		}
		had, before = holds, changes
		m.Close() // a static member does not leave its group by closing
	}
}

func (m *member) commit(t string, offset int64) {
	var err error
	m.CommitOffsetsSync(bg, map[string]map[int32]kgo.EpochOffset{t: {0: {Epoch: -1, Offset: offset}}},
		func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, r *kmsg.OffsetCommitResponse, e error) {
			if err = e; e == nil {
				err = kerr.ErrorForCode(r.Topics[0].Partitions[0].ErrorCode)
			}
		})
	must(err)
}

func commitResume(opts ...kgo.Opt) {
	t, g := topic("commit", 1), unique("group")
	fill(t, 0, 20)
	for first := 0; first < 20; first += 10 {
		m := join(g, t, opts...)
		equal(fmt.Sprintf("v%d@%d", first, first), text(poll(m.Client, 10)[:1]), "first record")
		m.commit(t, int64(first)+10)
		m.Close()
		equal(first+10, committedOf(g, t, 0), "committed")
	}
}

func describeGroup(g string) kmsg.DescribeGroupsResponseGroup {
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{g}
	return ask(req).(*kmsg.DescribeGroupsResponse).Groups[0]
}

func listed(g string) bool {
	for _, l := range ask(kmsg.NewPtrListGroupsRequest()).(*kmsg.ListGroupsResponse).Groups {
		if l.Group == g {
			return true
		}
	}
	return false
}

func groupsAdmin() {
	t, g := topic("admin", 2), unique("group")
	m := join(g, t)
	until("both partitions", func() bool { return m.holds() == 2 })
	d := describeGroup(g)
	equal("Stable 1", fmt.Sprint(d.State, " ", len(d.Members)), "group")
	equal(true, listed(g), "listed")
	drop := func() error {
		req := kmsg.NewPtrDeleteGroupsRequest()
		req.Groups = []string{g}
		resp, err := admin.Request(bg, req) // whose error is the group's in some versions
		if err != nil {
			return err
		}
		return kerr.ErrorForCode(resp.(*kmsg.DeleteGroupsResponse).Groups[0].ErrorCode)
	}
	refused("NON_EMPTY_GROUP", drop())
	m.commit(t, 3)
	m.Close()
	until("empty group", func() bool { return describeGroup(g).State == "Empty" })
	equal(3, committedOf(g, t, 0), "committed")
	del, dt, dp := kmsg.NewPtrOffsetDeleteRequest(), kmsg.NewOffsetDeleteRequestTopic(), kmsg.NewOffsetDeleteRequestTopicPartition()
	del.Group, dt.Topic = g, t
	dt.Partitions = append(dt.Partitions, dp)
	del.Topics = append(del.Topics, dt)
	// old versions may join once more while they close
	until("offset deleted", func() bool { return ask(del).(*kmsg.OffsetDeleteResponse).ErrorCode == 0 })
	equal(-1, committedOf(g, t, 0), "deleted")
	until("group deleted", func() bool { return drop() != kerr.NonEmptyGroup })
	equal(false, listed(g), "listed after the end")
}
