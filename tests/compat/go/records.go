package main

import (
	"context"
	"fmt"
	"math/rand"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func records() {
	t, big := topic("records", 2), make([]byte, 400_000)
	rand.New(rand.NewSource(7)).Read(big)
	in := []*kgo.Record{{Key: []byte("key"), Value: []byte("value")}, {Value: []byte("v")}, {Key: []byte("tombstone")}, {},
		{Key: []byte{}, Value: []byte{}}, {Key: []byte("big"), Value: big}}
	in[0].Headers = []kgo.RecordHeader{{Key: "a", Value: []byte("1")}, {Key: "a", Value: []byte("2")}, {Key: "none"}, {Key: "", Value: []byte{}}}
	p := client()
	defer p.Close()
	for i, r := range in {
		r.Topic, r.Partition, r.Timestamp = t, 1, time.UnixMilli(t0+int64(i))
		done, err := p.ProduceSync(bg, r).First()
		must(err)
		equal(i, done.Offset, "acknowledged offset")
	}
	show := func(r *kgo.Record, i int) string {
		return fmt.Sprint(r.Key == nil, r.Value == nil, r.Timestamp.UnixMilli(), i, len(r.Value), fmt.Sprintf("%q %q", r.Key, r.Headers), string(r.Value) == string(in[i].Value))
	}
	for i, r := range read(t, 1, len(in)) {
		equal(i, r.Offset, "offset")
		equal(show(in[i], i), show(r, i), "record")
	}
}

func codec(c kgo.CompressionCodec) {
	t, want := topic("codec", 1), numbered("many words that are much alike, number ", 3000)
	p := client(kgo.ProducerBatchCompression(c), kgo.ProducerLinger(20*time.Millisecond))
	defer p.Close()
	must(send(p, t, 0, want))
	equal(want, values(read(t, 0, 3000)), "records")
}

func topicCodec() {
	for _, name := range []string{"zstd", "uncompressed"} {
		t := topic("topic-codec", 1, "compression.type", name)
		p := client(kgo.ProducerBatchCompression(kgo.GzipCompression()))
		must(send(p, t, 0, numbered("v", 300)))
		p.Close()
		equal("v299@299", text(read(t, 0, 300)[299:]), "last record")
	}
}

func acks() {
	t := topic("acks", 1)
	for _, a := range []kgo.Acks{kgo.NoAck(), kgo.LeaderAck(), kgo.AllISRAcks()} {
		p := client(kgo.RequiredAcks(a), kgo.DisableIdempotentWrite())
		must(send(p, t, 0, numbered("v", 10)))
		p.Close()
	}
	read(t, 0, 30)
}

func logAppendTime() {
	t := topic("append-time", 1, "message.timestamp.type", "LogAppendTime")
	fill(t, 0, 2)
	r := read(t, 0, 2)[1]
	if r.Attrs.TimestampType() == 0 { // which old versions do not shift down to 1
		fail("the producer's timestamp")
	}
	if ago := time.Since(r.Timestamp); ago > time.Minute || ago < -time.Minute {
		fail("timestamp %v", r.Timestamp)
	}
}

func tooLarge() {
	t := topic("too-large", 1, "max.message.bytes", "1000")
	p := client(kgo.ProducerBatchCompression(kgo.NoCompression()))
	defer p.Close()
	refused("MESSAGE_TOO_LARGE", send(p, t, 0, []string{string(make([]byte, 3000))}))
	must(send(p, t, 0, []string{"small"}))
	equal("small@0", text(read(t, 0, 1)), "what came after the refusal")
}

func offsets() {
	t := topic("offsets", 2)
	fill(t, 0, 10)
	equal("0 10 0 9 4 -1", fmt.Sprint(offsetOf(t, 0, -2, 0), offsetOf(t, 0, -1, 0), offsetOf(t, 1, -1, 0), offsetOf(t, 0, -3, 0),
		offsetOf(t, 0, t0+4, 0), offsetOf(t, 0, t0+1000, 0)), "first, end, end of an empty one, of the largest timestamp, of a timestamp, of one past the end")
}

func seekByTime() {
	t := topic("seek", 1)
	fill(t, 0, 100)
	c := client(from(t, 0, kgo.NewOffset().AfterMilli(t0+42)))
	defer c.Close()
	equal("v42@42", text(poll(c, 1)[:1]), "first record")
}

func outOfRange() {
	t := topic("range", 1)
	fill(t, 0, 5)
	c := client(from(t, 0, kgo.NewOffset().At(1000)), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer c.Close()
	equal("v0@0", text(poll(c, 1)[:1]), "first record after the reset")
	c = client(from(t, 0, kgo.NewOffset().At(1000)), kgo.ConsumeResetOffset(kgo.NoResetOffset()))
	defer c.Close()
	ctx, cancel := context.WithTimeout(bg, patience)
	defer cancel()
	refused("OFFSET_OUT_OF_RANGE", c.PollFetches(ctx).Err())
}

func idempotent() {
	t, want := topic("idempotent", 1), numbered("v", 2000)
	p := client(kgo.ProducerBatchMaxBytes(600))
	defer p.Close()
	must(send(p, t, 0, want))
	out := read(t, 0, 2000)
	equal(want, values(out), "records in order")
	if out[0].ProducerID < 0 {
		fail("records without a producer id")
	}
}
