//go:build kip848

package main

import (
	"context"

	"github.com/twmb/franz-go/pkg/kgo"
)

// kip848 asks for the group protocol of KIP-848, which franz-go has behind a word in its context.
func kip848() kgo.Opt {
	return kgo.WithContext(context.WithValue(bg, "opt_in_kafka_next_gen_balancer_beta", true)) //nolint:staticcheck // the key it looks for
}
