package exec

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"plumbline/actuators"
)

// sshOptions leave who and where to ssh_config(5), and take from it what would break a connection that is a pipe: a shared
// connection would outlive the one that it was opened for, and a confirmation over it would prove nothing; a forwarding
// of a port fails the second time; a remote command of its own excludes ours.
var sshOptions = []string{
	"BatchMode=yes", "ConnectTimeout=5", "StrictHostKeyChecking=yes", "ServerAliveInterval=5", "ServerAliveCountMax=3",
	"ControlMaster=no", "ControlPath=none", "ClearAllForwardings=yes", "RemoteCommand=none",
}

// SSH is the argv that reaches a host through the system's ssh and runs a command there. The command's words go through
// a shell of the far side and must be plain.
func SSH(target string, command ...string) ([]string, error) {
	if target == "" || strings.HasPrefix(target, "-") {
		return nil, fmt.Errorf("%w: %q is no host for ssh", actuators.ErrRefused, target)
	}
	argv := []string{"ssh", "-T"}
	for _, option := range sshOptions {
		argv = append(argv, "-o", option)
	}
	return append(append(argv, "--", target), command...), nil
}

// sshAdvice knows what ssh says, by the first pattern that matches, and gives it back in one line with the remedy.
var sshAdvice = []struct {
	says *regexp.Regexp
	text string // $1 … are of says
}{
	{
		regexp.MustCompile(`(?s)IDENTIFICATION HAS CHANGED.*?(SHA256:[^\s.]+).*Offending \S+ key in (\S+).*Host key for (\S+) has changed`),
		`host key verification failed: $3 shows the key $1, not the one in $2; find out on the host itself why (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub); ` +
			`if it is right, say "ssh-keygen -R $3" and accept the new key with "ssh $3", as the controller's user`,
	},
	{
		regexp.MustCompile(`No \S+ host key is known for (\S+) and`),
		`host key verification failed: no key of $1 is known; compare it with the host's own (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub) and accept it with "ssh $1", as the controller's user`,
	},
	{
		regexp.MustCompile(`(\S+): Permission denied \((.*)\)`),
		`permission denied to $1 ($2); ssh must get in there without a question, as the controller's user: by a key without a passphrase, an agent or a certificate`,
	},
	{
		regexp.MustCompile(`plumb: (?:command )?not found`),
		`plumb: command not found; install plumb there, as "plumb host install" does`,
	},
}

// Advise puts what a transport said last into one line, with a remedy if the transport is ssh and there is one.
func Advise(argv []string, said string) string {
	if filepath.Base(argv[0]) != "ssh" {
		return said
	}
	for _, a := range sshAdvice {
		if match := a.says.FindStringSubmatchIndex(said); match != nil {
			return string(a.says.ExpandString(nil, a.text, said, match))
		}
	}
	return strings.NewReplacer("\r\n", "; ", "\n", "; ").Replace(said)
}
