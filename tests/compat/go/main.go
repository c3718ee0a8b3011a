// The checks of one version of franz-go. Usage: compat BOOTSTRAP
// Prints `version V`, then `ok CHECK`, `n/a CHECK: this version lacks ...` or `FAIL CHECK: reason` for each; $COMPAT_CHECK limits to
// names that contain it. Compiles with every franz-go from 1.7 on, and asks what the client has no call for with plain requests (kmsg).
package main

import (
	"fmt"
	"os"
	"runtime/debug"

	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: compat BOOTSTRAP")
		os.Exit(2)
	}
	bootstrap = os.Args[1]
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if d.Path == "github.com/twmb/franz-go" {
				fmt.Println("version", d.Version)
			}
		}
	}
	admin = client()
	check("cluster", cluster)
	check("topics", topics)
	check("grow-topic", grow)
	check("configs", configs)
	check("configs-old-api", configsOldAPI)
	check("delete-records", deleteRecords)
	check("log-dirs", logDirs)

	check("records", records)
	check("codec-gzip", func() { codec(kgo.GzipCompression()) })
	check("codec-snappy", func() { codec(kgo.SnappyCompression()) })
	check("codec-lz4", func() { codec(kgo.Lz4Compression()) })
	check("codec-zstd", func() { codec(kgo.ZstdCompression()) })
	check("topic-codec", topicCodec)
	check("acks", acks)
	check("log-append-time", logAppendTime)
	check("too-large", tooLarge)
	check("offsets", offsets)
	check("seek-by-time", seekByTime)
	check("out-of-range", outOfRange)
	check("idempotent", idempotent)

	check("group-classic", func() { twoMembers(kgo.Balancers(kgo.RangeBalancer())) })
	check("group-cooperative", func() { twoMembers(kgo.Balancers(kgo.CooperativeStickyBalancer())) })
	check("group-kip848", func() { twoMembers(kip848()) })
	check("group-pattern", func() { pattern() })
	check("static-member", func() { staticMember() })
	check("static-member-kip848", func() {
		kip848()
		panic(lacks("the instance's name in the request that leaves, so that its place is held until the session ends; with every broker"))
	})
	check("commit-resume", func() { commitResume() })
	check("commit-resume-kip848", func() { commitResume(kip848()) })
	check("groups-admin", groupsAdmin)

	check("transactions", transactions)
	check("consume-transform-produce", func() { consumeTransformProduce() })
	check("consume-transform-produce-kip848", func() { consumeTransformProduce(kip848()) })
	check("fencing", fencing)
	check("transactions-admin", transactionsAdmin)
}
