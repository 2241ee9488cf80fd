package git

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	gitssh "github.com/go-git/go-git/v5/plumbing/transport/ssh"
)

// Auth names the files that let us in. They are read at each conversation, so a
// renewed token or key needs no restart. Files with secrets must be readable by
// their owner alone. Host keys and certificates are always checked.
type Auth struct {
	// TokenFile holds the token or password for https.
	TokenFile string
	// User goes with the token. Default "git": forges ignore it.
	User string
	// CAFile holds certificates (PEM) to trust besides the system's.
	CAFile string
	// KeyFile is a private key without passphrase for ssh. Without it the SSH agent is asked.
	KeyFile string
	// KnownHosts is the file with host keys. Default: ~/.ssh/known_hosts
	// and /etc/ssh/ssh_known_hosts.
	KnownHosts string
}

// method is the authentication for an endpoint; nil is anonymous.
func (a Auth) method(e *transport.Endpoint) (transport.AuthMethod, error) {
	if e.Protocol == "ssh" {
		return a.ssh(e)
	}
	if a.TokenFile == "" {
		return nil, nil
	}
	token, err := secret(a.TokenFile)
	if err != nil {
		return nil, err
	}
	user := a.User
	if user == "" {
		user = "git"
	}
	return &githttp.BasicAuth{Username: user, Password: strings.TrimSpace(string(token))}, nil
}

func (a Auth) ssh(e *transport.Endpoint) (transport.AuthMethod, error) {
	user := e.User
	if user == "" {
		user = "git"
	}
	check, err := a.hostKeys(e)
	if err != nil {
		return nil, err
	}
	if a.KeyFile == "" {
		agent, err := gitssh.NewSSHAgentAuth(user)
		if err != nil {
			return nil, fmt.Errorf("no key file is set and no SSH agent answers: %w", err)
		}
		agent.HostKeyCallbackHelper = check
		return agent, nil
	}
	pem, err := secret(a.KeyFile)
	if err != nil {
		return nil, err
	}
	key, err := gitssh.NewPublicKeys(user, pem, "")
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", a.KeyFile, err)
	}
	key.HostKeyCallbackHelper = check
	return key, nil
}

// hostKeys sets the algorithms together with the check: otherwise a server whose
// preferred key type is not the known one is taken for an impostor.
func (a Auth) hostKeys(e *transport.Endpoint) (gitssh.HostKeyCallbackHelper, error) {
	var files []string
	if a.KnownHosts != "" {
		files = append(files, a.KnownHosts)
	}
	db, err := gitssh.NewKnownHostsDb(files...)
	if err != nil {
		return gitssh.HostKeyCallbackHelper{}, fmt.Errorf("cannot read known host keys: %w", err)
	}
	return gitssh.HostKeyCallbackHelper{
		HostKeyCallback:   db.HostKeyCallback(),
		HostKeyAlgorithms: db.HostKeyAlgorithms(dialed(e)),
	}, nil
}

// dialed is the host and port that go-git dials: it follows ssh_config(5).
func dialed(e *transport.Endpoint) string {
	host, port := e.Host, e.Port
	if c := gitssh.DefaultSSHConfig; c != nil {
		if p, err := strconv.Atoi(c.Get(host, "Port")); err == nil && c.Get(host, "Hostname") != "" {
			port = p
		}
		if h := c.Get(host, "Hostname"); h != "" {
			host = h
		}
	}
	if port == 0 {
		port = gitssh.DefaultPort
	}
	return net.JoinHostPort(host, strconv.Itoa(port))
}

func (a Auth) certificates() ([]byte, error) {
	if a.CAFile == "" {
		return nil, nil
	}
	return os.ReadFile(a.CAFile)
}

// secret reads a file that nobody else may read.
func secret(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by others: chmod 600 it", path)
	}
	data, err := os.ReadFile(path)
	if err == nil && strings.TrimSpace(string(data)) == "" {
		err = errors.New(path + " is empty")
	}
	return data, err
}
