// What idempotent and transactional produce cost a broker beside plain produce, all with acks=all: scripts/bench-transactions runs it.
// The kinds take turns, so that a drift of the machine touches all of them; medians come out as a table.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var (
	broker  = flag.String("broker", "127.0.0.1:9092", "bootstrap server")
	pid     = flag.Int("pid", 0, "process of the broker, for its processor time")
	rounds  = flag.Int("rounds", 5, "rounds of all kinds")
	records = flag.Int("records", 500_000, "records of one measurement")
	size    = flag.Int("size", 1000, "bytes of a value")
	run     = time.Now().UnixNano()
)

// kind is one way to produce; every is how many records a transaction has.
type kind struct {
	name  string
	opts  []kgo.Opt
	every int
}

type figures struct{ mibPerS, cpuPerGiB float64 }

func main() {
	flag.Parse()
	kinds := []kind{{"plain", []kgo.Opt{kgo.DisableIdempotentWrite(), kgo.MaxProduceRequestsInflightPerBroker(1)}, 0}, {"idempotent", nil, 0}}
	for _, every := range []int{10_000, 1_000, 100} {
		kinds = append(kinds, kind{fmt.Sprintf("transactions of %d", every), []kgo.Opt{kgo.TransactionalID(fmt.Sprint("bench-", run, "-", every))}, every})
	}
	got := make([][]figures, len(kinds))
	for round := -1; round < *rounds; round++ { // the first one only warms up
		for i, k := range kinds {
			f, err := measure(k, fmt.Sprintf("bench-%d-%d-%d", run, round+1, i))
			if err != nil {
				fmt.Fprintf(os.Stderr, "%s: %v\n", k.name, err)
				os.Exit(1)
			}
			fmt.Fprintf(os.Stderr, "round %d, %s: %.0f MiB/s, %.3f s/GiB\n", round+1, k.name, f.mibPerS, f.cpuPerGiB)
			if round >= 0 {
				got[i] = append(got[i], f)
			}
		}
	}
	fmt.Println("| produce, acks=all | MiB/s | broker CPU s/GiB | least | most |")
	fmt.Println("|---|---:|---:|---:|---:|")
	for i, k := range kinds {
		fmt.Printf("| %s | %.0f | %.3f | %.3f | %.3f |\n", k.name, at(got[i], 0.5, false), at(got[i], 0.5, true), at(got[i], 0, true), at(got[i], 1, true))
	}
}

// at gives a quantile of one of the two figures.
func at(all []figures, q float64, cpu bool) float64 {
	var v []float64
	for _, f := range all {
		if cpu {
			v = append(v, f.cpuPerGiB)
		} else {
			v = append(v, f.mibPerS)
		}
	}
	sort.Float64s(v)
	return v[int(q*float64(len(v)-1)+0.5)]
}

func measure(k kind, topic string) (figures, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	base := []kgo.Opt{kgo.SeedBrokers(*broker), kgo.DefaultProduceTopic(topic), kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.ProducerLinger(5 * time.Millisecond), kgo.MaxBufferedRecords(100_000)}
	cl, err := kgo.NewClient(append(base, k.opts...)...)
	if err != nil {
		return figures{}, err
	}
	defer cl.Close()
	if err := withTopic(ctx, cl, topic, true); err != nil {
		return figures{}, err
	}
	defer withTopic(ctx, cl, topic, false)
	// the first transaction finds its coordinator and the first record its leader before the clock runs
	if err := produce(ctx, cl, 1, k.every); err != nil {
		return figures{}, err
	}
	cpu, begin := processorTime(), time.Now()
	if err := produce(ctx, cl, *records, k.every); err != nil {
		return figures{}, err
	}
	mib := float64(*records) * float64(*size) / (1 << 20)
	return figures{mib / time.Since(begin).Seconds(), (processorTime() - cpu) / (mib / 1024)}, nil
}

// produce sends n records, in transactions of `every` unless that is 0, and waits for all of them.
func produce(ctx context.Context, cl *kgo.Client, n, every int) error {
	value := []byte(strings.Repeat("0123456789abcdef", *size/16+1))[:*size]
	var failed error
	for sent := 0; sent < n; {
		many := n
		if every > 0 {
			if many = every; n-sent < many {
				many = n - sent
			}
			if err := cl.BeginTransaction(); err != nil {
				return err
			}
		}
		for i := 0; i < many; i++ {
			cl.Produce(ctx, &kgo.Record{Value: value}, func(_ *kgo.Record, err error) {
				if err != nil && failed == nil { // callbacks come one after the other
					failed = err
				}
			})
		}
		if err := cl.Flush(ctx); err != nil {
			return err
		}
		if failed != nil {
			return failed
		}
		if every > 0 {
			if err := cl.EndTransaction(ctx, kgo.TryCommit); err != nil {
				return err
			}
		}
		sent += many
	}
	return nil
}

// withTopic makes a topic of six partitions, or deletes it.
func withTopic(ctx context.Context, cl *kgo.Client, topic string, make bool) error {
	if !make {
		req, t := kmsg.NewPtrDeleteTopicsRequest(), kmsg.NewDeleteTopicsRequestTopic()
		t.Topic = &topic
		req.TopicNames, req.Topics = []string{topic}, append(req.Topics, t)
		_, err := req.RequestWith(ctx, cl)
		return err
	}
	req, t := kmsg.NewPtrCreateTopicsRequest(), kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = topic, 6, 1
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return err
	}
	if len(resp.Topics) != 1 {
		return errors.New("no answer for the topic")
	}
	return kerr.ErrorForCode(resp.Topics[0].ErrorCode)
}

// processorTime is what the broker has used so far, in seconds.
func processorTime() float64 {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", *pid))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+2:]))
	user, _ := strconv.ParseFloat(f[11], 64)
	system, _ := strconv.ParseFloat(f[12], 64)
	return (user + system) / 100
}
