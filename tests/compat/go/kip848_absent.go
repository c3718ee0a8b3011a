//go:build !kip848

package main

import "github.com/twmb/franz-go/pkg/kgo"

func kip848() kgo.Opt { panic(lacks("the group protocol of KIP-848")) }
