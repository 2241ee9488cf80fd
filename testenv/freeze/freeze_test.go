package freeze_test

import (
	"bufio"
	"os/exec"
	"testing"

	"plumbline/testenv/freeze"
)

func TestAFrozenProcessAnswersWhenItGoesOn(t *testing.T) {
	cat := exec.Command("cat")
	in, err := cat.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cat.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cat.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cat.Process.Kill(); cat.Wait() })
	if err := freeze.Stop(cat.Process.Pid); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Write([]byte("still there\n")); err != nil {
		t.Fatal(err)
	}
	if err := freeze.Continue(cat.Process.Pid); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "still there\n" {
		t.Errorf("it says %q (%v)", line, err)
	}
}

func TestAProcessThatIsGoneIsNotFrozen(t *testing.T) {
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	if err := freeze.Stop(gone.Process.Pid); err == nil {
		t.Error("a process that is gone was frozen")
	}
}
