package main

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// canaryKey is a TSIG key that is never to be seen.
const canaryKey = "Y2FuYXJ5LWtleS1vZi1ib3N0b24tMDEyMzQ1Njc4OTA="

// nameServer answers what is signed with the key and counts it; the rest is refused.
func nameServer(t *testing.T) (address string, signed *atomic.Int64) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	signed = &atomic.Int64{}
	server := &dns.Server{Listener: listener, TsigSecret: map[string]string{"tsig-boston.": canaryKey}, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		answer := new(dns.Msg).SetReply(q)
		answer.Authoritative = true
		if q.IsTsig() == nil || w.TsigStatus() != nil {
			answer.Rcode = dns.RcodeRefused
		} else {
			signed.Add(1)
			soa, _ := dns.NewRR("mycompany.com. 60 IN SOA ns1.mycompany.com. root.mycompany.com. 1 60 60 60 60")
			answer.Answer = []dns.RR{soa}
			answer.SetTsig("tsig-boston.", dns.HmacSHA256, 300, time.Now().Unix())
		}
		_ = w.WriteMsg(answer) // who hung up is the test's to see
	})}
	go server.ActivateAndServe()
	t.Cleanup(func() { server.Shutdown() })
	return listener.Addr().String(), signed
}

// A secret that a host really used for the look stands in nothing that a forge is sent, whatever comes of the request.
func TestASecretOfTheTopologyIsToldToNoForge(t *testing.T) {
	r := newRequested(t, "")
	address, signed := nameServer(t)
	r.forge.Secrets = append(r.forge.Secrets, canaryKey)
	far := filepath.Join(r.dir, "far")
	r.file(filepath.Join(far, "secrets/tsig-boston"), canaryKey+"\n")
	r.config = filepath.Join(r.dir, "far.cue")
	r.file(r.config, fmt.Sprintf(`repository: %[1]q + "/site.git"
state:      %[1]q + "/state"
socket:     %[1]q + "/plumb.sock"
secrets:    %[1]q + "/secrets"
transports: [{hosts: "*", argv: ["plumb", "exec", "--stdio", "--name", "{host}", "--state", %[2]q, "--secrets", %[2]q + "/secrets"]}]
forge: {kind: "gitea", project: %[3]q, token: secret: "forge", interval: "1s"}
`, r.dir, far, r.forge.Project("gitea")))
	zone := func(key, more string) {
		r.file(filepath.Join(r.work, "site.cue"), fmt.Sprintf(`package boston

import "plumbline.internal/schema"

schema.#Topology & {
	site: boston: {}
	host: ns1: site: "boston"
	zone: "mycompany.com": {host: "ns1", server: %q, key: {name: %q, secret: "tsig-boston"}}
	%s
}
`, address, key, more))
	}
	r.request("8Mi")
	zone("tsig-boston", fmt.Sprintf("pool: disks: {host: \"ns1\", dir: %q}", filepath.Join(r.dir, "disks")))
	head := r.push("more")
	pull := r.forge.Pull(7)
	pull.Head = head
	r.forge.Set(pull)
	r.start("serve")
	r.until("a comment", func() bool { return strings.Contains(r.comment("preview"), "`pool/disks@ns1`") })
	if signed.Load() == 0 {
		t.Error("nobody used the key")
	}
	zone("another", "") // the server refuses it: what it says is told
	pull.Head = r.push("more")
	r.forge.Set(pull)
	r.until("the fault", func() bool {
		return strings.Contains(r.comment("preview"), "head="+pull.Head) && r.status(pull.Head, "plumb/plan") != "pending planning"
	})
	if got := r.comment("preview"); !strings.Contains(got, "zone/mycompany.com") {
		t.Errorf("the fault of the zone is not told:\n%s", got)
	}
	if strings.Contains(r.log.String(), canaryKey) {
		t.Error("the log tells the key")
	}
}
