// Package nfttest gives tests of nftables a network of their own: the test binary runs again inside a new network namespace,
// which plays the edge host, and peers are namespaces beside it. All of it ends with the process. Only tests import it.
package nfttest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/nftables"

	"plumbline/testenv/need"
)

// inside tells the second run the namespace of the first.
const inside = "PLUMB_NFTTEST_INSIDE"

// Main is for TestMain: as root it runs the tests in a fresh network namespace with forwarding on; otherwise right here,
// where Edge says what is missing.
func Main(m *testing.M) {
	if os.Geteuid() != 0 || os.Getenv(inside) != "" {
		os.Exit(m.Run())
	}
	runtime.LockOSThread() // Pdeathsig asks for the thread's death, not the process's
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), inside+"="+namespace())
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		os.Exit(exit.ExitCode())
	case err != nil:
		fmt.Fprintln(os.Stderr, "cannot run the tests in a network namespace:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Edge makes this process's namespace an edge host with an empty ruleset: loopback up, forwarding on.
func Edge(t testing.TB) {
	t.Helper()
	need.Root(t)
	need.Program(t, "nft", "ip")
	if outer := os.Getenv(inside); outer == "" || outer == namespace() {
		t.Fatal("this would change the machine's own ruleset: TestMain does not call nfttest.Main")
	}
	Run(t, "ip", "link", "set", "lo", "up")
	Run(t, "nft", "flush", "ruleset")
	Forward(t, true)
}

// namespace names this process's network namespace.
func namespace() string {
	name, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		return "unknown: " + err.Error()
	}
	return name
}

// Forward turns the forwarding of packets on or off.
func Forward(t testing.TB, on bool) {
	t.Helper()
	value := "0"
	if on {
		value = "1"
	}
	if err := os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte(value), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Run runs a program on the edge and gives its output; a failure ends the test.
func Run(t testing.TB, argv ...string) string {
	t.Helper()
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", argv, err, out)
	}
	return string(out)
}

// Ruleset is what nft shows of all tables, without counters and handles. Chains and sets of a table come sorted, because
// the kernel gives them in the order of their making.
func Ruleset(t testing.TB) string {
	t.Helper()
	var out strings.Builder
	for _, table := range strings.SplitAfter(Run(t, "nft", "-s", "list", "ruleset"), "\n}\n") {
		head, body, _ := strings.Cut(strings.TrimSuffix(table, "}\n"), "\n")
		blocks := strings.SplitAfter(body, "\n\t}\n")
		for i := range blocks {
			blocks[i] = strings.Trim(blocks[i], "\n")
		}
		slices.Sort(blocks)
		out.WriteString(head + "\n" + strings.Join(blocks, "\n") + "\n")
	}
	return strings.TrimSpace(out.String())
}

// Generation is the number by which the kernel counts commits to the ruleset.
func Generation(t testing.TB) uint32 {
	t.Helper()
	conn, err := nftables.New()
	if err != nil {
		t.Fatal(err)
	}
	gen, err := conn.GetGen()
	if err != nil {
		t.Fatal(err)
	}
	return gen.ID
}
