package reconcile

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
	"time"

	"plumbline/reconcile/audit"
	"plumbline/schema"
)

type ordererKey struct{}

// OrderedBy says in a context who orders what is done with it; without a word it is the user of this process.
func OrderedBy(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, ordererKey{}, name)
}

func orderer(ctx context.Context) string {
	name, _ := ctx.Value(ordererKey{}).(string)
	return cmp.Or(name, operatorName())
}

// ByItself is who orders what nobody orders: the loop.
const ByItself = "the controller"

// ordererOf is who orders a plan, for the trail.
func ordererOf(ctx context.Context, by order) string {
	switch by {
	case person:
		return orderer(ctx)
	case free:
		return orderer(ctx) + ", going back"
	}
	return ByItself
}

// operatorName is who gives an order at this machine.
func operatorName() string { return PersonOf(os.Getuid(), os.Getpid()) }

// nobody is the login of what no login began (loginuid, proc_pid_loginuid(5)).
const nobody = "4294967295"

// PersonOf names the user of a process: "ada", or "root (ada)" for root's process in a session of ada's. The kernel remembers who logged in
// over su and sudo, where PAM tells it (pam_loginuid(8)).
func PersonOf(uid, pid int) string {
	login, _ := os.ReadFile(fmt.Sprintf("/proc/%d/loginuid", pid)) // a kernel without audit has none
	return personOf(strconv.Itoa(uid), strings.TrimSpace(string(login)))
}

func personOf(uid, login string) string {
	if login == "" || login == nobody || login == uid {
		return userName(uid)
	}
	return fmt.Sprintf("%s (%s)", userName(uid), userName(login))
}

func userName(uid string) string {
	if u, err := user.LookupId(uid); err == nil {
		return u.Username
	}
	return "uid " + uid
}

// order takes down what a person said, on the disk, before it is done: no end of the process forgets it. That it could not be done is taken down
// then.
func (a *auditing) order(o audit.Record, do func() error) error {
	if a == nil {
		return do()
	}
	o.Type = audit.Order
	a.write("", o)
	err := do()
	if err != nil {
		o.Result, o.Text = "failed", err.Error()
		a.write("", o)
	}
	return err
}

// Ordered is an order that somebody gave elsewhere, in a comment of a request.
type Ordered struct {
	Key     string    `json:"key"` // the same whenever it is told: it is written once
	At      time.Time `json:"at"`
	By      string    `json:"by"` // as the forge calls them
	Action  string    `json:"action"`
	Request string    `json:"request"` // its address
	Commit  string    `json:"commit"`
	Effect  string    `json:"effect,omitempty"` // that was agreed to
	Result  string    `json:"result,omitempty"`
}

// TakeDown writes an order into the audit trail that was given elsewhere.
func (c *Controller) TakeDown(o Ordered) error {
	if c.audit == nil || c.audit.log.Knows(o.Key) {
		return nil
	}
	return c.audit.log.Append(o.Key, audit.Record{
		Time: o.At, Type: audit.Order, By: o.By, Action: o.Action, Requests: []string{o.Request}, Commit: o.Commit, Effect: o.Effect, Result: o.Result,
	})
}

// about is an order about an object, or about a commit.
func about(ctx context.Context, action, text string, object schema.Instance, commit string) audit.Record {
	return audit.Record{Action: action, By: orderer(ctx), Text: text, Object: object, Commit: commit}
}
