package meter_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"plumbline/testenv/bench/meter"
)

// The test binary is its own child: it starts a child of its own, both say that they live, and both wait for the end of
// their input.
func TestMain(m *testing.M) {
	if depth := os.Getenv("METER_CHILD"); depth != "" {
		held := make([]byte, 32<<20)
		for i := range held {
			held[i] = 1
		}
		if depth == "2" {
			cmd := again("1")
			cmd.Stdin, cmd.Stdout = os.Stdin, os.Stdout
			if err := cmd.Run(); err != nil {
				panic(err)
			}
			os.Exit(0)
		}
		fmt.Println("ready")
		_, _ = io.Copy(io.Discard, os.Stdin)
		runtime.KeepAlive(held)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func again(depth string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "METER_CHILD="+depth)
	return cmd
}

func TestTreeSumsOverAllProcesses(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Log("there is no /proc to read here")
		return
	}
	cmd := again("2")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { in.Close(); _ = cmd.Wait() }()
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("%q, %v", line, err)
	}
	if u := meter.Tree(cmd.Process.Pid); u.Processes != 2 || u.RSS < 64<<20 || u.FDs < 6 {
		t.Errorf("%+v: want two processes that hold 32 MiB each", u)
	}
}

func TestRunTellsWhatACommandSaid(t *testing.T) {
	if cost, err := meter.Run(exec.Command("sh", "-c", "exit 2"), 2); err != nil || cost.Wall <= 0 {
		t.Errorf("%+v, %v", cost, err)
	}
	if _, err := meter.Run(exec.Command("sh", "-c", "echo out of paper >&2; exit 3"), 2); err == nil || !strings.Contains(err.Error(), "out of paper") {
		t.Errorf("%v: want what the command said", err)
	}
}
