// The frame of the checks: one line per check, each bounded in time; a check fails by panicking.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const patience = 20 * time.Second

var (
	bg        = context.Background()
	bootstrap string
	run       = fmt.Sprintf("%x", time.Now().UnixNano())
	names     int64
	// the timestamp of the first record that the checks write: retention would drop one of long ago in the middle of a check
	t0 = time.Now().Add(-time.Hour).UnixMilli()
	admin     *kgo.Client
)

// lacks is what the client cannot do: no failure of the broker's.
type lacks string

func check(name string, body func()) {
	if !strings.Contains(name, os.Getenv("COMPAT_CHECK")) {
		return
	}
	result := make(chan interface{}, 1)
	go func() {
		defer func() { result <- recover() }()
		body()
	}()
	var why interface{}
	select {
	case why = <-result:
	case <-time.After(45 * time.Second):
		why = "still running after 45 s"
	}
	switch w := why.(type) {
	case nil:
		fmt.Printf("ok %s\n", name)
	case lacks:
		fmt.Printf("n/a %s: this version lacks %s\n", name, string(w))
	default:
		fmt.Printf("FAIL %s: %s\n", name, strings.Join(strings.Fields(fmt.Sprint(why)), " "))
	}
}

func fail(format string, args ...interface{}) { panic(fmt.Sprintf(format, args...)) }

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func equal(want, got interface{}, what string) {
	if w, g := fmt.Sprint(want), fmt.Sprint(got); w != g {
		fail("%s: want %s, got %s", what, w, g)
	}
}

func refused(want string, err error) {
	if err == nil || !strings.Contains(err.Error(), want) {
		fail("want %s, got %v", want, err)
	}
}

func until(what string, holds func() bool) {
	for end := time.Now().Add(patience); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			fail("not within %v: %s", patience, what)
		}
	}
}

func unique(what string) string {
	return fmt.Sprintf("compat-%s-%s-%d", run, what, atomic.AddInt64(&names, 1))
}

func client(opts ...kgo.Opt) *kgo.Client {
	base := []kgo.Opt{kgo.SeedBrokers(bootstrap), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.FetchMaxWait(200 * time.Millisecond),
		kgo.MetadataMinAge(200 * time.Millisecond), kgo.MetadataMaxAge(time.Second)}
	cl, err := kgo.NewClient(append(base, opts...)...)
	must(err)
	return cl
}

// ask sends a request to the cluster; the client picks the broker.
func ask(req kmsg.Request) kmsg.Response {
	ctx, cancel := context.WithTimeout(bg, patience)
	defer cancel()
	resp, err := admin.Request(ctx, req)
	must(err)
	return resp
}

func create(t string, partitions int32, config ...string) error {
	req, rt := kmsg.NewPtrCreateTopicsRequest(), kmsg.NewCreateTopicsRequestTopic()
	req.TimeoutMillis = 10_000
	rt.Topic, rt.NumPartitions, rt.ReplicationFactor = t, partitions, 1
	for i := 0; i+1 < len(config); i += 2 {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = config[i], &config[i+1]
		rt.Configs = append(rt.Configs, c)
	}
	req.Topics = append(req.Topics, rt)
	return kerr.ErrorForCode(ask(req).(*kmsg.CreateTopicsResponse).Topics[0].ErrorCode)
}

func topic(what string, partitions int32, config ...string) string {
	t := unique(what)
	must(create(t, partitions, config...))
	until("topic "+t, func() bool { return len(describe(t).Partitions) == int(partitions) })
	return t
}

func describe(t string) kmsg.MetadataResponseTopic {
	req, rt := kmsg.NewPtrMetadataRequest(), kmsg.NewMetadataRequestTopic()
	rt.Topic = &t
	req.Topics = append(req.Topics, rt)
	return ask(req).(*kmsg.MetadataResponse).Topics[0]
}

func numbered(prefix string, n int) (out []string) {
	for i := 0; i < n; i++ {
		out = append(out, fmt.Sprint(prefix, i))
	}
	return out
}

func send(cl *kgo.Client, t string, p int32, values []string) error {
	var rs []*kgo.Record
	for i, v := range values {
		rs = append(rs, &kgo.Record{Topic: t, Partition: p, Timestamp: time.UnixMilli(t0 + int64(i)), Key: []byte(fmt.Sprint("k", i)), Value: []byte(v)})
	}
	ctx, cancel := context.WithTimeout(bg, patience)
	defer cancel()
	return cl.ProduceSync(ctx, rs...).FirstErr()
}

func fill(t string, p int32, n int) {
	cl := client()
	defer cl.Close()
	must(send(cl, t, p, numbered("v", n)))
}

// poll gives at least n records, or fails.
func poll(cl *kgo.Client, n int) (out []*kgo.Record) {
	ctx, cancel := context.WithTimeout(bg, patience)
	defer cancel()
	for len(out) < n {
		fs := cl.PollRecords(ctx, n-len(out))
		if ctx.Err() != nil {
			fail("only %d of %d records within %v: %s", len(out), n, patience, text(out))
		}
		for _, e := range fs.Errors() {
			must(e.Err)
		}
		fs.EachRecord(func(r *kgo.Record) { out = append(out, r) })
	}
	return out
}

func from(t string, p int32, o kgo.Offset) kgo.Opt {
	return kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{t: {p: o}})
}

// read gives all of a partition, which must hold n records and no more.
func read(t string, p int32, n int, opts ...kgo.Opt) []*kgo.Record {
	cl := client(append(opts, from(t, p, kgo.NewOffset().AtStart()))...)
	defer cl.Close()
	out := poll(cl, n)
	ctx, cancel := context.WithTimeout(bg, 300*time.Millisecond)
	defer cancel()
	cl.PollRecords(ctx, 1).EachRecord(func(r *kgo.Record) { out = append(out, r) })
	equal(n, len(out), "records")
	return out
}

func text(rs []*kgo.Record) string {
	var out []string
	for _, r := range rs {
		out = append(out, fmt.Sprintf("%s@%d", r.Value, r.Offset))
	}
	return strings.Join(out, " ")
}

func values(rs []*kgo.Record) (out []string) {
	for _, r := range rs {
		out = append(out, string(r.Value))
	}
	return out
}

// offsetOf asks for the offset of a timestamp (-1 end, -2 start, -3 of the largest timestamp); isolation 1 gives the last stable offset.
func offsetOf(t string, p int32, timestamp int64, isolation int8) int64 {
	req, rt, rp := kmsg.NewPtrListOffsetsRequest(), kmsg.NewListOffsetsRequestTopic(), kmsg.NewListOffsetsRequestTopicPartition()
	req.IsolationLevel = isolation
	rt.Topic, rp.Partition, rp.Timestamp = t, p, timestamp
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	got := ask(req).(*kmsg.ListOffsetsResponse).Topics[0].Partitions[0]
	must(kerr.ErrorForCode(got.ErrorCode))
	return got.Offset
}

// committedOf is what a group has committed, or -1.
func committedOf(group, t string, p int32) int64 {
	req, rt := kmsg.NewPtrOffsetFetchRequest(), kmsg.NewOffsetFetchRequestTopic()
	req.Group = group
	rt.Topic, rt.Partitions = t, []int32{p}
	req.Topics = append(req.Topics, rt)
	resp := ask(req).(*kmsg.OffsetFetchResponse)
	if len(resp.Topics) > 0 {
		return resp.Topics[0].Partitions[0].Offset
	}
	return -1
}
