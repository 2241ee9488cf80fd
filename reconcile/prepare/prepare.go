package prepare

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	osexec "os/exec"
	"regexp"
	"strings"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
)

//go:embed prepare.sh
var script string

// Path is where the binary is on a prepared host: a link to plumb-SHA256 beside it.
const Path = "/usr/lib/plumb/plumb"

// Host says how a machine is to be prepared.
type Host struct {
	Name     string // in the topology
	SSH      string // how ssh calls it, as a person who may do root's work there
	Sudo     bool   // that person needs sudo
	User     string // who the controller comes in as; root, or a user that may run the one command by sudo
	Key      string // public key of the controller, a line of a .pub file
	ReadOnly string // public key that may only look; "" = none
	Dry      bool   // say and do nothing
}

// ErrNoShell means that no script can be run on the host: the key opens a forced command only, for example.
var ErrNoShell = errors.New("no shell answers there; the key that ssh offers may open a forced command only: name another login, such as HOST=root@HOST")

// Install makes the machine a host. It tells each thing before it does it, a line each, and whether anything was to do.
func (h Host) Install(ctx context.Context, binary *Binary, tell func(string)) (changed bool, err error) {
	if err := h.check(); err != nil {
		return false, err
	}
	return h.run(ctx, "install_host", binary, tell)
}

// Copy puts the binary there and nothing else.
func (h Host) Copy(ctx context.Context, binary *Binary, tell func(string)) (changed bool, err error) {
	return h.run(ctx, "binary", binary, tell)
}

// Remove takes back what Install did. State and secrets stay, and it says so.
func (h Host) Remove(ctx context.Context, tell func(string)) (changed bool, err error) {
	if err := h.check(); err != nil {
		return false, err
	}
	return h.run(ctx, "remove_host", nil, tell)
}

var (
	plainName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*$`)
	plainUser = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)
	plainKey  = regexp.MustCompile(`^(ssh|ecdsa|sk)-[a-z0-9@.-]+ [A-Za-z0-9+/]+=*$`)
)

// check refuses what would mean something to a shell, sudo or sshd.
func (h Host) check() error {
	switch {
	case !plainName.MatchString(h.Name):
		return fmt.Errorf("%w: %q is no name of a host", actuators.ErrRefused, h.Name)
	case !plainUser.MatchString(h.User):
		return fmt.Errorf("%w: %q is no name of a user", actuators.ErrRefused, h.User)
	case h.Key != "" && h.Key == h.ReadOnly:
		return fmt.Errorf("%w: one key cannot both change things and only look", actuators.ErrRefused)
	}
	for _, key := range []string{h.Key, h.ReadOnly} {
		if key != "" && !plainKey.MatchString(key) {
			return fmt.Errorf("%w: %q is no public key: want a type and its base64", actuators.ErrRefused, key)
		}
	}
	return nil
}

// run sends the script and, behind it, the binary, which the script reads only when it needs it.
func (h Host) run(ctx context.Context, work string, binary *Binary, tell func(string)) (changed bool, err error) {
	text := h.values(work, binary) + script
	// dd reads a byte at a time, and so no byte of the binary.
	shell := fmt.Sprintf(`sh -c 'eval "$(dd bs=1 count=%d 2>/dev/null)"'`, len(text))
	if h.Sudo {
		shell = "sudo -n " + shell
	}
	argv, err := exec.SSH(h.SSH, shell)
	if err != nil {
		return false, err
	}
	cmd := osexec.CommandContext(ctx, argv[0], argv[1:]...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = strings.NewReader(text), &stderr
	if binary != nil {
		file, err := os.Open(binary.Path)
		if err != nil {
			return false, fmt.Errorf("cannot read the binary: %w", err)
		}
		defer file.Close()
		cmd.Stdin = io.MultiReader(strings.NewReader(text), file)
	}
	answer := &answer{tell: tell}
	cmd.Stdout = answer
	err = cmd.Run()
	switch {
	case ctx.Err() != nil:
		return answer.changed, context.Cause(ctx)
	case answer.failed != "":
		return answer.changed, fmt.Errorf("cannot prepare %s: %s", h.Name, answer.failed)
	case !answer.greeted:
		return false, fmt.Errorf("cannot prepare %s: %s%w", h.Name, said(argv, stderr.String()), ErrNoShell)
	case err != nil:
		return answer.changed, fmt.Errorf("cannot prepare %s: %s%w", h.Name, said(argv, stderr.String()), err)
	}
	return answer.changed, nil
}

// said is what ssh said, in one line, if it said anything.
func said(argv []string, words string) string {
	if words = strings.TrimSpace(words); words == "" {
		return ""
	}
	return exec.Advise(argv, words) + ": "
}

// values are the script's variables.
func (h Host) values(work string, binary *Binary) string {
	command := Path + " exec --stdio --name " + h.Name
	rule := fmt.Sprintf("%s ALL=(root) NOPASSWD: %s, %s --read-only", h.User, command, command)
	if h.User != "root" {
		command = "sudo -n " + command
	}
	dry := ""
	if h.Dry {
		dry = "yes"
	}
	if binary == nil {
		binary = &Binary{}
	}
	var text strings.Builder
	for _, v := range [][2]string{
		{"work", work}, {"dry", dry}, {"name", h.Name}, {"user", h.User}, {"command", command}, {"rule", rule}, {"full", h.Key}, {"looks", h.ReadOnly},
		{"unit", strings.TrimRight(Unit(Path), "\n")}, {"sum", binary.Sum}, {"version", binary.Version}, {"size", binary.size()}, {"arch", binary.machine()},
	} {
		fmt.Fprintf(&text, "%s='%s'\n", v[0], strings.ReplaceAll(v[1], "'", `'\''`))
	}
	return text.String()
}

// answer reads what the script says, line by line.
type answer struct {
	tell             func(string)
	rest             []byte
	greeted, changed bool
	failed           string
}

// Write takes more of what the script says.
func (a *answer) Write(p []byte) (int, error) {
	a.rest = append(a.rest, p...)
	for {
		line, rest, whole := bytes.Cut(a.rest, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		a.rest = rest
		a.take(string(line))
	}
}

func (a *answer) take(line string) {
	switch kind, text, _ := strings.Cut(line, " "); {
	case line == "plumb-prepare 1":
		a.greeted = true
	case !a.greeted: // a banner of the far shell
	case kind == "!":
		a.failed = text
	case kind == "+":
		a.changed = true
		a.tell(text)
	default:
		a.tell(strings.TrimSpace(line))
	}
}
