package main

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/sys/unix"

	"plumbline/testenv/canary"
	"plumbline/testenv/need"
)

// TestMain lets the test binary leak in the way that its first argument says.
func TestMain(m *testing.M) {
	if os.Getenv("LEAK") == "" {
		os.Exit(m.Run())
	}
	if err := leak(os.Getenv("LEAK"), os.Getenv("WHERE")); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func leak(how, dir string) error {
	secret, err := canary.Secret()
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "x")
	switch how {
	case "output":
		fmt.Println("key", secret)
	case "encoded":
		fmt.Println(base64.StdEncoding.EncodeToString([]byte("x:" + secret)))
	case "argument":
		return exec.Command("sh", "-c", "sleep 0.5; :", secret).Run()
	case "short":
		return exec.Command("true", secret).Run()
	case "spaced":
		return exec.Command("true", "--key", "the key "+secret+"\n").Run()
	case "long":
		return exec.Command("true", strings.Repeat("x", 20_000)+secret+strings.Repeat("y", 20_000)).Run()
	case "environment":
		cmd := exec.Command("sleep", "0.5")
		cmd.Env = []string{"KEY=" + secret}
		return cmd.Run()
	case "file":
		if err := os.WriteFile(file, []byte("key: "+secret), 0o600); err != nil {
			return err
		}
		return os.Remove(file)
	case "journal":
		return leakInto(file+".db", secret)
	case "packet":
		return leakOver(secret)
	case "secrets":
		return os.WriteFile(filepath.Join(dir, "secrets", "x"), []byte(secret), 0o600)
	}
	return nil
}

func leakInto(path, secret string) error {
	var packed bytes.Buffer
	packed.WriteByte(0xca)
	w, err := flate.NewWriter(&packed, flate.BestSpeed)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s key %s", strings.Repeat("what a plan says ", 100), secret)
	w.Close()
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Update(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte("bodies"))
		if err == nil {
			b, err = b.CreateBucketIfNotExists([]byte("plan"))
		}
		for i, half := range [][]byte{packed.Bytes()[:60], packed.Bytes()[60:]} {
			if err == nil {
				err = b.Put([]byte{byte(i)}, half)
			}
		}
		return err
	})
}

func leakOver(secret string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Write([]byte("HTTP/1.1 200 OK\r\n\r\nkey " + secret))
	return err
}

// Each leak on purpose is found, and what is rightly there is not called one.
func TestLeaksAreFound(t *testing.T) {
	need.Root(t)
	for how, want := range map[string]string{
		"nothing": "", "secrets": "",
		"output": "output:", "encoded": "output:", "argument": "the arguments of sh", "short": "the arguments of true", "spaced": "the arguments of true", "long": "the arguments of true",
		"environment": "the environment of sleep",
		"file":        "/x", "journal": "the journal ", "packet": "a packet of ",
	} {
		t.Run(how, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Mkdir(filepath.Join(dir, "secrets"), 0o700); err != nil {
				t.Fatal(err)
			}
			t.Setenv("LEAK", how)
			t.Setenv("WHERE", dir)
			t.Setenv(canary.Variable, "")
			err := watch(t.Context(), t.TempDir(), []string{os.Args[0]})
			if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("error = %v, want %q", err, want)
			}
		})
	}
}

// The record of a call is enough to have the environment of its process looked at.
func TestAnEnvironmentIsReadWhenItsProcessStarts(t *testing.T) {
	secret := base64.StdEncoding.EncodeToString([]byte("a secret of this test"))
	cmd := exec.Command("sleep", "60")
	cmd.Env = []string{"KEY=" + secret}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	needles, err := canary.Of(secret)
	if err != nil {
		t.Fatal(err)
	}
	c := &commands{seen: &sightings{needles: needles, at: map[string]bool{}}}
	c.look(unix.AUDIT_SYSCALL, fmt.Appendf(nil, "audit(1732352400.123:45): arch=c000003e syscall=59 success=yes exit=0 ppid=1 pid=%d auid=0 comm=\"sleep\"", cmd.Process.Pid))
	if got := c.seen.list(); len(got) != 1 || got[0] != "the environment of sleep" {
		t.Errorf("seen %q", got)
	}
}

// What passing tests print is searched and not shown; what failing ones print is.
func TestOnlyWhatFailedIsShown(t *testing.T) {
	var shown bytes.Buffer
	o := &output{seen: &sightings{at: map[string]bool{}}, to: &shown}
	for _, line := range []string{"go vet\n", "=== RUN   TestA\n    a.go:1: chatter\n", "--- PASS: TestA (0.00s)\nPASS\nok  \tplumbline/a\t0.1s\n",
		"=== RUN   TestB\n    b.go:1: reason\n--- FAIL: TestB\nFAIL\nFAIL\tplumbline/b\t0.1s\n", "last"} {
		o.Write([]byte(line))
	}
	o.flush()
	const want = "go vet\nok  \tplumbline/a\t0.1s\n=== RUN   TestB\n    b.go:1: reason\n--- FAIL: TestB\nFAIL\nFAIL\tplumbline/b\t0.1s\nlast"
	if shown.String() != want {
		t.Errorf("shown: %q", shown.String())
	}
}
