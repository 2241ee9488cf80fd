package link

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"plumbline/actuators"
	"plumbline/testenv/lab"
)

func TestMain(m *testing.M) {
	lab.Main()
	os.Exit(m.Run())
}

func sh(t *testing.T, script string) string {
	t.Helper()
	out, err := exec.Command("sh", "-ec", script).CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

func named(t *testing.T, name string) Link {
	t.Helper()
	links, err := List(context.Background())
	one, found := links.Name(name)
	if err != nil || !found {
		t.Fatalf("no %s: %v", name, err)
	}
	return one
}

func TestAListIsWholeWhileOthersComeAndGo(t *testing.T) {
	lab.Within(t, func() {
		sh(t, "for i in $(seq 1 60); do ip link add v$i type veth peer name w$i; done")
		ctx, cancel := context.WithCancel(context.Background())
		var churn sync.WaitGroup
		churn.Go(func() {
			for ctx.Err() == nil {
				sh(t, "for i in 1 2 3 4 5 6 7 8 9; do ip link del v$i; ip link add v$i type veth peer name w$i; done")
			}
		})
		for range 200 {
			links, err := List(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"lo", "eth0", "v10", "v60", "w60"} {
				if _, found := links.Name(name); !found {
					t.Fatalf("%s is missing among %d", name, len(links))
				}
			}
		}
		cancel()
		churn.Wait()
	})
}

func TestWhoAnswers(t *testing.T) {
	lab.Within(t, func() {
		sh(t, "ip link add peer0 type veth peer name peer1; ip link add sw type bridge; ip link set peer1 master sw; ip link set peer0 up; ip link set peer1 up; ip link set sw up; ip addr add 10.7.0.1/24 dev sw")
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		var owner string
		for owner == "" && ctx.Err() == nil { // the cable needs a moment
			mac, err := Answers(ctx, named(t, "peer0"), netip.MustParseAddr("10.7.0.1"))
			if err != nil {
				t.Fatal(err)
			}
			owner = mac.String()
		}
		if bridge := named(t, "sw").hardware.String(); owner != bridge {
			t.Errorf("%q answers, want %s", owner, bridge)
		}
		if mac, err := Answers(ctx, named(t, "peer0"), netip.MustParseAddr("10.7.0.2")); err != nil || mac != nil {
			t.Errorf("nobody has it, and %s answers, %v", mac, err)
		}
		if _, err := Answers(ctx, named(t, "lo"), netip.MustParseAddr("::1")); err == nil {
			t.Error("ARP for IPv6")
		}
	})
}

func TestWhatIsGoneIsNotFoundAndDeletingItIsNoError(t *testing.T) {
	lab.Within(t, func() {
		sh(t, "ip link add one type veth peer name two")
		one := named(t, "one")
		sh(t, "ip link del one; ip link add one type veth peer name two") // another one of the name
		if err := SetMTU(context.Background(), one, 1400); !errors.Is(err, actuators.ErrNotFound) {
			t.Errorf("got %v, want not found", err)
		}
		if err := Delete(context.Background(), one); err != nil {
			t.Error(err)
		}
		named(t, "one")
	})
}

func TestAContextThatHasEndedIsHeeded(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := List(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
