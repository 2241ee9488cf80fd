package nat

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"plumbline/actuators/internal/nft/nfttest"
)

var handles = regexp.MustCompile(`(?m)^.*(?:chain|type|ip |th |ct |meta ).*# handle \d+$`)

// shape is the table's chains and rules with the kernel's handles, without the elements.
func shape(t *testing.T) string {
	t.Helper()
	return strings.Join(handles.FindAllString(nfttest.Run(t, "nft", "-a", "list", "table", "ip", "plumb"), -1), "\n")
}

// TestARenamedMappingServesAllTheWhile sends a new flow after the other through a mapping that is renamed there and back, holds a
// connection open over it, and compares the kernel's handles.
func TestARenamedMappingServesAllTheWhile(t *testing.T) {
	b := bench(t, "nat/payroll")
	client, server := site(t)
	server.Answer(53)
	want := payroll(web, Port{Public: 53, To: 53, Proto: "udp"})
	b.Apply(want, false)
	conn, err := client.Dial("203.0.113.3:80")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := nfttest.Line(conn); err != nil {
		t.Fatal(err)
	}
	whole, chains := nfttest.Ruleset(t), shape(t)
	if !strings.Contains(chains, "handle") {
		t.Fatalf("no handles in:\n%s", nfttest.Run(t, "nft", "-a", "list", "table", "ip", "plumb"))
	}
	flows := client.Steady("203.0.113.3:53", func() {
		for range 50 {
			begun := nfttest.Generation(t)
			now, done := b.Rename("nat/wages", want)
			if commits := nfttest.Generation(t) - begun; commits != 1 || len(done) != 1 {
				t.Errorf("%d commits, %d steps", commits, len(done))
			}
			now.Settled(want)
			if after := shape(t); after != chains {
				t.Errorf("before:\n%s\nafter:\n%s", chains, after)
			}
			b.Undo(done)
		}
	})
	t.Logf("%d flows", flows)
	if after := nfttest.Ruleset(t); after != whole {
		t.Errorf("before:\n%s\nafter:\n%s", whole, after)
	}
	fmt.Fprintln(conn, "still there")
	if line, err := nfttest.Line(conn); line != "still there" {
		t.Errorf("the connection from before: %q, %v", line, err)
	}
}

func TestWhatStoodInTheWayOfARenamingIsTold(t *testing.T) {
	b := bench(t, "nat/payroll")
	b.Apply(payroll(web), false)
	now, done := b.Rename("nat/wages", payroll(web))
	nfttest.Run(t, "nft", "delete element ip plumb forwards { 203.0.113.3 . tcp . 80 }; add element ip plumb forwards { 203.0.113.3 . tcp . 80 : 10.1.1.99 . 80 }")
	if err := now.UndoOne(done[0]); err == nil || !strings.Contains(err.Error(), "10.1.1.99:80") {
		t.Errorf("undone over what somebody else wrote: %v", err)
	}
}
