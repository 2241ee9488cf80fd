package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"plumbline/sources/forge/forgetest"
	"plumbline/sources/forge/hook"
	"plumbline/testenv/bench/meter"
)

const hookSecret = "not a secret: it signs what the benchmark sends itself"

// forgeConfig is of a forge on loopback. Requests do not rest, so that what is measured is work.
const forgeConfig = `forge: {
	kind: "gitea", project: %q, token: secret: "forge", account: "plumb-bot"
	interval: "1h", settle: "1ms", listen: %q, hooks: [{secret: "hook"}]
}
secrets: %q`

// comments measures from a webhook to the comment: a push of one file to a request, `plumb serve` beside `plumb run`, over a modelled datacenter in which all is applied.
func (b *bench) comments(ctx context.Context, p *place, times int, report func(measure)) error {
	f := &forgetest.Forge{Token: "t0ken", Login: "plumb-bot"}
	server := httptest.NewServer(f)
	defer server.Close()
	f.URL = server.URL
	listen, err := freePort()
	if err != nil {
		return err
	}
	for name, text := range map[string]string{"forge": f.Token, "hook": hookSecret} {
		if err := writeFile(p.path("secrets", name), []byte(text)); err != nil {
			return err
		}
		if err := os.Chmod(p.path("secrets", name), 0o600); err != nil {
			return err
		}
	}
	if err := p.writeController("1h", fmt.Sprintf(forgeConfig, f.Project("gitea"), listen, p.path("secrets"))); err != nil {
		return err
	}
	base, err := p.git("rev-parse", "HEAD")
	if err != nil {
		return err
	}
	run, err := b.daemon(ctx, p, "run")
	if err != nil {
		return err
	}
	serve, err := b.daemon(ctx, p, "serve")
	if err != nil {
		return errors.Join(err, run())
	}
	s := &comments{place: p, forge: f, hook: "http://" + listen + hook.Path([]byte(hookSecret)), base: base}
	err = s.measure(ctx, max(20, times), report)
	return errors.Join(err, serve(), run(), p.writeController("1h", ""))
}

// daemon starts plumb, and gives what ends it.
func (b *bench) daemon(ctx context.Context, p *place, word string) (end func() error, err error) {
	cmd := exec.CommandContext(ctx, b.plumb, word, "--config", p.path("plumb.cue"), "--log-level", "warn")
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() error {
		err := cmd.Process.Signal(syscall.SIGTERM)
		if err = errors.Join(err, cmd.Wait()); err != nil {
			return fmt.Errorf("plumb %s: %w\n%s", word, err, &said)
		}
		return nil
	}, nil
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// comments is a request whose pushes are told by webhooks.
type comments struct {
	place *place
	forge *forgetest.Forge
	hook  string
	base  string // commit of the branch
}

func (s *comments) measure(ctx context.Context, times int, report func(measure)) error {
	if err := until(ctx, "the webhooks are listened to", func() bool { return s.deliver(ctx, []byte("{}")) == nil }); err != nil {
		return err
	}
	var walls []time.Duration
	for n := range times + 1 {
		head, err := s.push()
		if err != nil {
			return err
		}
		s.forge.Set(forgetest.Pull{Number: 7, Head: head, Branch: "main", Author: "ada"})
		cost, err := meter.Measure(func() error {
			if err := s.deliver(ctx, fmt.Appendf(nil, `{"number":7,"pull_request":{"number":7,"title":"%d"}}`, n)); err != nil {
				return err
			}
			return until(ctx, "the comment is there", func() bool { return s.told(head) })
		})
		if err != nil {
			return fmt.Errorf("cannot measure %s: %w", rowComment, err)
		}
		if n > 0 { // the first plans from nothing
			walls = append(walls, cost.Wall)
		}
	}
	slices.Sort(walls)
	report(measure{Row: rowComment, Cost: meter.Cost{Wall: quantile(walls, 0.5)}, P99: quantile(walls, 0.99), Times: len(walls)})
	return nil
}

// push changes one file in the request, which is one commit on the branch.
func (s *comments) push() (head string, err error) {
	if _, err := s.place.git("reset", "-q", "--hard", s.base); err != nil {
		return "", err
	}
	s.place.turn++
	file, data := s.place.fleet.Push(s.place.turn)
	if err := writeFile(s.place.path("tree", file), data); err != nil {
		return "", err
	}
	for _, args := range [][]string{{"commit", "-q", "-m", fmt.Sprint("request ", s.place.turn), file}, {"push", "-q", "-f", "origin", "HEAD:request"}} {
		if _, err := s.place.git(args...); err != nil {
			return "", err
		}
	}
	return s.place.git("rev-parse", "HEAD")
}

// told tells whether the comment is that of a commit, with its plan.
func (s *comments) told(head string) bool {
	all := s.forge.Comments()
	return slices.ContainsFunc(all, func(c forgetest.Comment) bool {
		return strings.Contains(c.Body, "head="+head) && strings.Contains(c.Body, "### plumb: `~1`")
	})
}

func (s *comments) deliver(ctx context.Context, body []byte) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, s.hook, bytes.NewReader(body))
	if err != nil {
		return err
	}
	mac := hmac.New(sha256.New, []byte(hookSecret))
	mac.Write(body)
	q.Header.Set("X-Gitea-Signature", hex.EncodeToString(mac.Sum(nil)))
	q.Header.Set("X-Gitea-Delivery", strconv.FormatInt(time.Now().UnixNano(), 10))
	q.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		return err
	}
	if answer.Body.Close(); answer.StatusCode != http.StatusAccepted {
		return fmt.Errorf("the webhook is answered with %s", answer.Status)
	}
	return nil
}

// commentsAlone measures this row alone.
func commentsAlone(ctx context.Context, sizes []int) error {
	b, err := openBench(ctx)
	if err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	for _, n := range sizes {
		p, err := makePlace(filepath.Join(b.dir, strconv.Itoa(n)), n)
		if err != nil {
			return err
		}
		if _, err := b.run(ctx, p, "apply", "--auto-approve"); err != nil {
			return err
		}
		err = b.comments(ctx, p, b.times(n), func(m measure) {
			fmt.Printf("%8s objects: webhook → comment p50 %s, p99 %s of %d\n", thousands(n), short(m.Wall), short(m.P99), m.Times)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
