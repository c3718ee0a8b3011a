package main

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var committed = kgo.FetchIsolationLevel(kgo.ReadCommitted())

func transactional(id string) *kgo.Client {
	return client(kgo.TransactionalID(id), kgo.TransactionTimeout(patience))
}

func transaction(p *kgo.Client, t, prefix string, n int, end kgo.TransactionEndTry) error {
	if err := p.BeginTransaction(); err != nil {
		return err
	}
	if err := send(p, t, 0, numbered(prefix, n)); err != nil {
		return err
	}
	return p.EndTransaction(bg, end)
}

func transactions() {
	t := topic("transactions", 1)
	p := transactional(unique("tx"))
	defer p.Close()
	must(transaction(p, t, "a", 2, kgo.TryCommit)) // 0 1, marker 2
	must(transaction(p, t, "b", 2, kgo.TryAbort))  // 3 4, marker 5
	must(transaction(p, t, "c", 2, kgo.TryCommit)) // 6 7, marker 8
	must(p.BeginTransaction())
	must(send(p, t, 0, []string{"open"})) // 9
	equal("a0@0 a1@1 c0@6 c1@7", text(read(t, 0, 4, committed)), "what read_committed sees")
	read(t, 0, 7)
	equal("9 10", fmt.Sprint(offsetOf(t, 0, -1, 1), offsetOf(t, 0, -1, 0)), "last stable offset and high watermark")
	must(p.EndTransaction(bg, kgo.TryAbort))
	until("the last stable offset moves on", func() bool { return offsetOf(t, 0, -1, 1) == 11 })
}

func consumeTransformProduce(opts ...kgo.Opt) {
	in, out, g := topic("in", 1), topic("out", 1), unique("group")
	fill(in, 0, 10)
	base := []kgo.Opt{kgo.SeedBrokers(bootstrap), kgo.TransactionalID(unique("tx")), kgo.ConsumerGroup(g), kgo.ConsumeTopics(in), committed,
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.RequireStableFetchOffsets(), kgo.TransactionTimeout(patience), kgo.FetchMaxWait(200 * time.Millisecond)}
	s, err := kgo.NewGroupTransactSession(append(base, opts...)...)
	must(err)
	defer s.Close()
	for _, end := range []kgo.TransactionEndTry{kgo.TryAbort, kgo.TryCommit} { // after the abort the records come again
		must(s.Begin())
		ctx, cancel := context.WithTimeout(bg, patience)
		for n := 0; n < 10; {
			fs := s.PollFetches(ctx)
			if ctx.Err() != nil {
				fail("only %d of 10 records within %v, commit=%v", n, patience, bool(end))
			}
			for _, e := range fs.Errors() {
				must(e.Err)
			}
			fs.EachRecord(func(r *kgo.Record) {
				s.Produce(bg, &kgo.Record{Topic: out, Value: []byte(fmt.Sprint(string(r.Value), bool(end)))}, nil)
				n++
			})
		}
		cancel()
		done, err := s.End(bg, end)
		must(err)
		equal(bool(end), done, "committed")
		until(fmt.Sprint("committed offset, commit=", bool(end)), func() bool { return (committedOf(g, in, 0) == 10) == bool(end) })
	}
	equal(numberedTrue(), values(read(out, 0, 10, committed)), "output")
}

func numberedTrue() (out []string) {
	for _, v := range numbered("v", 10) {
		out = append(out, v+"true")
	}
	return out
}

func fencing() {
	t, id := topic("fencing", 1), unique("tx")
	zombie := transactional(id)
	defer zombie.Close()
	must(zombie.BeginTransaction())
	must(send(zombie, t, 0, []string{"zombie"}))
	until("an heir", func() bool { // some versions do not try again by themselves while the zombie's transaction is aborted
		heir := transactional(id)
		defer heir.Close()
		return transaction(heir, t, "heir", 1, kgo.TryCommit) == nil
	})
	err := send(zombie, t, 0, []string{"zombie again"})
	if err == nil {
		err = zombie.EndTransaction(bg, kgo.TryCommit)
	}
	if err == nil {
		fail("the fenced producer could go on")
	}
	equal("heir0", fmt.Sprint(values(read(t, 0, 1, committed))[0]), "committed")
	read(t, 0, 2)
}

func transactionsAdmin() {
	t, id := topic("described", 1), unique("tx")
	p := transactional(id)
	defer p.Close()
	must(p.BeginTransaction())
	must(send(p, t, 0, numbered("open", 3)))
	found := false
	for _, s := range ask(kmsg.NewPtrListTransactionsRequest()).(*kmsg.ListTransactionsResponse).TransactionStates {
		found = found || s.TransactionalID == id
	}
	equal(true, found, "listed")
	dt := kmsg.NewPtrDescribeTransactionsRequest()
	dt.TransactionalIDs = []string{id}
	d := ask(dt).(*kmsg.DescribeTransactionsResponse).TransactionStates[0]
	must(kerr.ErrorForCode(d.ErrorCode))
	equal("Ongoing "+t, d.State+" "+d.Topics[0].Topic, "described")
	dp, pt := kmsg.NewPtrDescribeProducersRequest(), kmsg.NewDescribeProducersRequestTopic()
	pt.Topic, pt.Partitions = t, []int32{0}
	dp.Topics = append(dp.Topics, pt)
	active := ask(dp).(*kmsg.DescribeProducersResponse).Topics[0].Partitions[0].ActiveProducers
	equal("1 2", fmt.Sprint(len(active), active[0].LastSequence), "active producers and last sequence")
	must(p.EndTransaction(bg, kgo.TryCommit))
	read(t, 0, 3, committed)
}
