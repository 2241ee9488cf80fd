package control_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"plumbline/actuators"
	"plumbline/reconcile"
	"plumbline/reconcile/audit"
	"plumbline/reconcile/control"
	"plumbline/reconcile/inventory"
	"plumbline/reconcile/journal"
	"plumbline/schema"
	"plumbline/testenv/need"
)

// serve answers on a socket until the end of the test, for a controller without a source.
func serve(t *testing.T) (socket string, store *journal.Store) {
	t.Helper()
	dir := t.TempDir()
	store, err := journal.Open(filepath.Join(dir, "journal.db"), journal.Options{Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	c := reconcile.New(reconcile.Options{Config: reconcile.Config{State: dir}, Kinds: actuators.NewRegistry(), Store: store})
	socket = filepath.Join(dir, "run", "plumb.sock")
	listener, err := control.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- control.Serve(ctx, listener, c, store) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serving ended with %v", err)
		}
		c.Close()
		store.Close()
	})
	return socket, store
}

func dial(t *testing.T, socket string) *control.Client {
	t.Helper()
	client, err := control.Dial(context.Background(), socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func TestASocketThatAnswersIsNotStolen(t *testing.T) {
	socket, _ := serve(t)
	_, err := control.Listen(socket)
	if !errors.Is(err, control.ErrLive) || !strings.Contains(err.Error(), fmt.Sprintf("pid %d", os.Getpid())) {
		t.Errorf("the second listener got %v", err)
	}
	if _, err := dial(t, socket).Status(context.Background()); err != nil {
		t.Errorf("the first one no longer answers: %v", err)
	}
}

func TestASocketThatWasLeftIsReplaced(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "plumb.sock")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	if _, err := control.Dial(context.Background(), socket); !errors.Is(err, control.ErrNobody) {
		t.Errorf("dialing nobody: %v", err)
	}
	listener, err := control.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestWhatIsNoSocketIsLeftAlone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "notes")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := control.Listen(file); err == nil {
		t.Error("took the place of a file")
	}
	if data, _ := os.ReadFile(file); string(data) != "mine" {
		t.Errorf("the file holds %q", data)
	}
}

// orders are those of the audit trail.
func orders(t *testing.T, state string) string {
	t.Helper()
	var all []string
	if _, err := audit.Read(state, func(r audit.Record) error {
		all = append(all, r.Action+" by "+r.By)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(all)
}

func TestTheControllersUserIsAnswered(t *testing.T) {
	socket, store := serve(t)
	client := dial(t, socket)
	ctx := context.Background()
	memory, err := client.Memory(ctx)
	if err != nil || memory.Installation() != store.Installation() {
		t.Errorf("%+v, %v", memory, err)
	}
	for n, names := range []string{"[]", "[pool/a@h]", "[pool/a@h]", "[pool/a@h pool/b@h]"} { // each as it is then, and what is the same crosses once
		before := memory
		if memory, err = client.MemorySince(ctx, before); err != nil {
			t.Fatal(err)
		}
		inv, _ := memory.Inventory()
		if got := fmt.Sprint(slices.SortedFunc(maps.Keys(inv), schema.Instance.Compare)); got != names || memory.Same != (n == 0 || n == 2) {
			t.Errorf("%d: %s, same %t; want %s", n, got, memory.Same, names)
		}
		for _, i := range map[int][]schema.Instance{0: {schema.ID("pool/a").On("h")}, 2: {schema.ID("pool/b").On("h")}}[n] {
			if err := store.Change(journal.Update{Put: &inventory.Entry{Instance: i}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := client.Suspend(ctx, reconcile.Suspension{Reason: "tests", Owner: "ada"}); err != nil {
		t.Error(err)
	}
	status, err := client.Status(ctx)
	if err != nil || !strings.Contains(status.Suspended, "by ada") {
		t.Errorf("%+v, %v", status, err)
	}
	for _, want := range []string{"the suspension is over", "nothing was suspended"} {
		if text, err := client.Resume(ctx, ""); err != nil || text != want {
			t.Errorf("%q, %v", text, err)
		}
	}
	want := fmt.Sprintf("[suspend by %[1]s resume by %[1]s]", reconcile.PersonOf(os.Getuid(), os.Getpid())) // as the kernel says, whoever the suspension names
	if got := orders(t, filepath.Dir(store.Path())); got != want {
		t.Errorf("the trail says %s, want %s", got, want)
	}
	for range 2 {
		if err := client.TakeDown(ctx, reconcile.Ordered{Key: "comment-1", By: "carol", Action: "plumb approve"}); err != nil {
			t.Error(err)
		}
	}
	if got := orders(t, filepath.Dir(store.Path())); strings.Count(got, "plumb approve by carol") != 1 {
		t.Errorf("what was ordered elsewhere is in the trail as %s", got)
	}
	if _, err := client.Resume(ctx, "pool/x@h"); err == nil || !strings.Contains(err.Error(), "no parked effect") {
		t.Errorf("releasing nothing: %v", err)
	}
	if past, err := client.History(ctx, 3); err != nil || len(past) != 0 {
		t.Errorf("%v, %v", past, err)
	}
}

// TestAnotherUserIsSentAway connects as nobody from a thread of its own, which ends with the test: the kernel remembers at
// the connection who connects (SO_PEERCRED, unix(7)). The modes of the file are opened, so that only the check is left.
func TestAnotherUserIsSentAway(t *testing.T) {
	need.Root(t)
	socket, _ := serve(t)
	for dir := filepath.Dir(socket); strings.HasPrefix(dir, os.TempDir()+"/"); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o711); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(socket, 0o666); err != nil {
		t.Fatal(err)
	}
	answer := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread dies with its identity
		const nobody = 65534
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, nobody, nobody, nobody); errno != 0 {
			answer <- nil
			return
		}
		conn, err := net.Dial("unix", socket)
		if err != nil {
			answer <- nil
			return
		}
		defer conn.Close()
		_, err = conn.Read(make([]byte, 1))
		answer <- err
	}()
	if err := <-answer; err == nil {
		t.Error("nobody was answered, or could not even connect")
	}
}
