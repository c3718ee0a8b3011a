package main

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func cluster() {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{}
	m := ask(req).(*kmsg.MetadataResponse)
	if len(m.Brokers) == 0 || m.ControllerID < 0 || m.ClusterID == nil || len(*m.ClusterID) != 22 {
		fail("incomplete: %+v", m)
	}
	v := kmsg.NewPtrApiVersionsRequest()
	v.ClientSoftwareName, v.ClientSoftwareVersion = "compat", "1"
	if len(ask(v).(*kmsg.ApiVersionsResponse).ApiKeys) < 40 {
		fail("few requests offered")
	}
}

func topics() {
	t := topic("topics", 3)
	for _, p := range describe(t).Partitions {
		if p.Leader < 0 || len(p.ISR) != 1 {
			fail("partition without leader or isr: %+v", p)
		}
	}
	refused("TOPIC_ALREADY_EXISTS", create(t, 3))
	refused("INVALID_TOPIC_EXCEPTION", create("bad/name", 1))
	fill(t, 0, 3)
	req, rt := kmsg.NewPtrDeleteTopicsRequest(), kmsg.NewDeleteTopicsRequestTopic()
	req.TimeoutMillis = 10_000
	rt.Topic = kmsg.StringPtr(t)
	req.TopicNames, req.Topics = []string{t}, append(req.Topics, rt)
	must(kerr.ErrorForCode(ask(req).(*kmsg.DeleteTopicsResponse).Topics[0].ErrorCode))
	until("topic gone", func() bool { return kerr.ErrorForCode(describe(t).ErrorCode) == kerr.UnknownTopicOrPartition })
	must(create(t, 1))
	until("topic back", func() bool { return len(describe(t).Partitions) == 1 })
	fill(t, 0, 2)
	equal("v0@0 v1@1", text(read(t, 0, 2)), "records of the second topic of this name")
}

func grow() {
	t := topic("grow", 1)
	to := func(n int32) error {
		req, rt := kmsg.NewPtrCreatePartitionsRequest(), kmsg.NewCreatePartitionsRequestTopic()
		req.TimeoutMillis = 10_000
		rt.Topic, rt.Count = t, n
		req.Topics = append(req.Topics, rt)
		return kerr.ErrorForCode(ask(req).(*kmsg.CreatePartitionsResponse).Topics[0].ErrorCode)
	}
	must(to(3))
	until("three partitions", func() bool { return len(describe(t).Partitions) == 3 })
	fill(t, 2, 1)
	refused("INVALID_PARTITIONS", to(2))
}

func config(t, key string) string {
	req, r := kmsg.NewPtrDescribeConfigsRequest(), kmsg.NewDescribeConfigsRequestResource()
	r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, t
	req.Resources = append(req.Resources, r)
	for _, c := range ask(req).(*kmsg.DescribeConfigsResponse).Resources[0].Configs {
		if c.Name == key && c.Value != nil {
			return *c.Value
		}
	}
	return "absent"
}

func configs() {
	t := topic("configs", 1, "cleanup.policy", "compact")
	alter := func(key string, value *string, op kmsg.IncrementalAlterConfigOp) error {
		req, r, c := kmsg.NewPtrIncrementalAlterConfigsRequest(), kmsg.NewIncrementalAlterConfigsRequestResource(), kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, t
		c.Name, c.Value, c.Op = key, value, op
		r.Configs = append(r.Configs, c)
		req.Resources = append(req.Resources, r)
		return kerr.ErrorForCode(ask(req).(*kmsg.IncrementalAlterConfigsResponse).Resources[0].ErrorCode)
	}
	equal("compact", config(t, "cleanup.policy"), "cleanup.policy")
	equal("604800000", config(t, "retention.ms"), "retention.ms")
	must(alter("retention.ms", kmsg.StringPtr("12345"), kmsg.IncrementalAlterConfigOpSet))
	until("retention.ms altered", func() bool { return config(t, "retention.ms") == "12345" })
	must(alter("cleanup.policy", kmsg.StringPtr("delete"), kmsg.IncrementalAlterConfigOpAppend))
	until("cleanup.policy extended", func() bool { return config(t, "cleanup.policy") == "compact,delete" })
	must(alter("retention.ms", nil, kmsg.IncrementalAlterConfigOpDelete))
	until("retention.ms reset", func() bool { return config(t, "retention.ms") == "604800000" })
	refused("INVALID_CONFIG", alter("retention.ms", kmsg.StringPtr("soon"), kmsg.IncrementalAlterConfigOpSet))
}

func configsOldAPI() {
	t := topic("old-configs", 1, "cleanup.policy", "compact")
	req, r, c := kmsg.NewPtrAlterConfigsRequest(), kmsg.NewAlterConfigsRequestResource(), kmsg.NewAlterConfigsRequestResourceConfig()
	r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, t
	c.Name, c.Value = "retention.ms", kmsg.StringPtr("777")
	r.Configs = append(r.Configs, c)
	req.Resources = append(req.Resources, r)
	must(kerr.ErrorForCode(ask(req).(*kmsg.AlterConfigsResponse).Resources[0].ErrorCode))
	until("retention.ms altered", func() bool { return config(t, "retention.ms") == "777" })
	equal("delete", config(t, "cleanup.policy"), "cleanup.policy, which was not named")
}

func deleteRecords() {
	t := topic("delete-records", 1)
	fill(t, 0, 10)
	before := func(offset int64) (int64, error) {
		req, rt, rp := kmsg.NewPtrDeleteRecordsRequest(), kmsg.NewDeleteRecordsRequestTopic(), kmsg.NewDeleteRecordsRequestTopicPartition()
		req.TimeoutMillis = 10_000
		rt.Topic, rp.Offset = t, offset
		rt.Partitions = append(rt.Partitions, rp)
		req.Topics = append(req.Topics, rt)
		p := ask(req).(*kmsg.DeleteRecordsResponse).Topics[0].Partitions[0]
		return p.LowWatermark, kerr.ErrorForCode(p.ErrorCode)
	}
	low, err := before(4)
	must(err)
	equal(4, low, "low watermark")
	equal("v4@4", text(read(t, 0, 6)[:1]), "first record")
	_, err = before(99)
	refused("OFFSET_OUT_OF_RANGE", err)
}

func logDirs() {
	t := topic("log-dirs", 1)
	fill(t, 0, 10)
	req, rt := kmsg.NewPtrDescribeLogDirsRequest(), kmsg.NewDescribeLogDirsRequestTopic()
	rt.Topic, rt.Partitions = t, []int32{0}
	req.Topics = append(req.Topics, rt)
	for _, d := range ask(req).(*kmsg.DescribeLogDirsResponse).Dirs {
		for _, dt := range d.Topics {
			if dt.Topic == t && dt.Partitions[0].Size > 0 {
				return
			}
		}
	}
	fail("no bytes of the topic")
}
