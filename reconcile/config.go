package reconcile

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/drift"
	"plumbline/reconcile/exec"
	"plumbline/reconcile/window"
	"plumbline/schema"
	"plumbline/sources"
)

// Config is the controller's own file, schema.#Controller.
type Config struct {
	Repository string      `json:"repository"`
	Branch     string      `json:"branch"`
	Path       string      `json:"path"`
	State      string      `json:"state"`
	Socket     string      `json:"socket"`
	Interval   Duration    `json:"interval"`
	Access     Access      `json:"access"`
	Fetch      Fetch       `json:"fetch"`
	Transports []Transport `json:"transports"`
	Local      string      `json:"local"`
	Model      string      `json:"model"` // directory of a modelled datacenter; "" = the real one
	Self       []string    `json:"self"`  // patterns of what the controller stands on, beside what is known
	Parallel   int         `json:"parallel"`
	Atomic     bool        `json:"atomic"`
	Confirm    Duration    `json:"confirm"`
	Limits     Limits      `json:"limits"`
	Retire     Retire      `json:"retire"`
	Drift      DriftConfig `json:"drift"`
	Sinks      []Sink      `json:"sinks"`
	Secrets    string      `json:"secrets"`
	Listen     string      `json:"listen"`

	Windows  []Window `json:"windows,omitempty"`
	Policies string   `json:"policies,omitempty"` // a directory of policy files

	Trust   *TrustConfig  `json:"trust"` // nil: every commit of the branch is followed
	Forge   *ForgeConfig  `json:"forge"` // nil: nobody opens requests
	Preview PreviewConfig `json:"preview"`
}

// Check finds what the schema of the file cannot: what would be taken and then never have an effect.
func (c Config) Check(kinds *actuators.Registry) error {
	var mistakes []error
	for _, name := range slices.Sorted(maps.Keys(c.Drift.Heal)) {
		switch kind, ok := kinds.Kind(name); {
		case !ok:
			mistakes = append(mistakes, fmt.Errorf("drift.heal.%s: there is no kind %q; there are %s", name, name, strings.Join(kinds.Names(), ", ")))
		case kind.HoldsData && c.Drift.Heal[name] == string(drift.Heal):
			mistakes = append(mistakes, fmt.Errorf("drift.heal.%s: what holds data heals only where its own object says drift: \"heal\"; say it there", name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Limits.Kinds)) {
		if _, ok := kinds.Kind(name); !ok {
			mistakes = append(mistakes, fmt.Errorf("limits.kinds.%s: there is no kind %q; there are %s", name, name, strings.Join(kinds.Names(), ", ")))
		}
	}
	for i, pattern := range c.Self {
		if _, err := path.Match(pattern, ""); err != nil || strings.Count(pattern, "/") != 1 {
			mistakes = append(mistakes, fmt.Errorf("self.%d: %q is not a pattern of kind/name, such as \"network/mgmt\" or \"zone/*\"", i, pattern))
		}
	}
	for i, t := range c.Transports {
		if _, err := path.Match(t.Hosts, ""); err != nil {
			mistakes = append(mistakes, fmt.Errorf("transports.%d.hosts: %q is not a pattern of names, such as \"edge*\"", i, t.Hosts))
		}
	}
	for i, sink := range c.Sinks {
		if err := sink.check(); err != nil {
			mistakes = append(mistakes, fmt.Errorf("sinks.%d: %w", i, err))
		}
	}
	if c.Listen != "" {
		if _, _, err := net.SplitHostPort(c.Listen); err != nil {
			mistakes = append(mistakes, fmt.Errorf("listen: %q is no address to listen on, such as \"127.0.0.1:9090\"", c.Listen))
		}
	}
	if _, err := window.Parse(c.rules()); err != nil {
		mistakes = append(mistakes, err)
	}
	if err := c.Forge.check(c.Repository); err != nil {
		mistakes = append(mistakes, err)
	}
	if c.Preview.Required && c.Forge == nil {
		mistakes = append(mistakes, errors.New("preview.required: no forge is named, so nobody is shown anything and nothing could be applied; name forge"))
	}
	if err := c.Trust.check(c.Repository); err != nil {
		mistakes = append(mistakes, err)
	}
	return errors.Join(mistakes...)
}

// Window is a change window; Rule.Duration is filled in by rules.
type Window struct {
	window.Rule
	Duration Duration `json:"duration"`
}

func (c Config) rules() []window.Rule {
	out := make([]window.Rule, len(c.Windows))
	for i, w := range c.Windows {
		out[i] = w.Rule
		out[i].Duration = time.Duration(w.Duration)
	}
	return out
}

// Locate takes down where the rules of the file stand, for those whom they refuse something.
func (c *Config) Locate(at func(path ...string) schema.Pos) {
	for i := range c.Windows {
		c.Windows[i].Pos = at("windows", strconv.Itoa(i))
	}
	for kind, portion := range c.Limits.Kinds {
		portion.Pos = at("limits", "kinds", kind)
		c.Limits.Kinds[kind] = portion
	}
	if c.Limits.Domains != nil {
		c.Limits.Domains.Pos = at("limits", "domains")
	}
	if c.Trust != nil {
		c.Trust.places = map[string]schema.Pos{}
		for pattern := range c.Trust.Paths {
			c.Trust.places[pattern] = at("trust", "paths", pattern)
		}
	}
}

// Access names the files that open a remote repository.
type Access struct {
	Key        string `json:"key"`
	Token      string `json:"token"`
	KnownHosts string `json:"knownHosts"`
}

// Fetch bounds what a remote repository may send.
type Fetch struct {
	Bytes   Size     `json:"bytes"`
	Objects int64    `json:"objects"`
	Largest Size     `json:"largest"`
	Time    Duration `json:"time"`
}

// Intake is Fetch in the words of sources.
func (f Fetch) Intake() sources.Intake {
	return sources.Intake{Bytes: int64(f.Bytes), Objects: f.Objects, Largest: int64(f.Largest), Time: time.Duration(f.Time)}
}

// Transport is how hosts whose name matches a shell pattern are reached.
type Transport struct {
	Hosts string   `json:"hosts"`
	Argv  []string `json:"argv"`
}

// Limits bound what one commit may take away.
type Limits struct {
	Destroys int     `json:"destroys"`
	Share    float64 `json:"share"`
	Hosts    int     `json:"hosts"` // that are changed at the same time; 0 = any number

	Kinds   map[string]diff.Portion `json:"kinds,omitempty"`
	Domain  string                  `json:"domain"`
	Domains *diff.Portion           `json:"domains,omitempty"`
}

// Retire is how long what was removed is kept before people are reminded of its purge; 0 = DefaultKeep.
type Retire struct {
	Keep Duration `json:"keep"`
}

// DefaultKeep is fourteen days.
const DefaultKeep = 14 * 24 * time.Hour

func (r Retire) keep() time.Duration {
	if r.Keep == 0 {
		return DefaultKeep
	}
	return time.Duration(r.Keep)
}

// DriftConfig says how drift is looked for and what is done about it by kind.
type DriftConfig struct {
	Interval Duration          `json:"interval"`
	Heal     map[string]string `json:"heal"`
	Hold     Duration          `json:"hold"` // see drift.Options, as the following
	Alone    int               `json:"alone"`
	Flaps    int               `json:"flaps"`
	Remind   Duration          `json:"remind"`
}

// Size is an amount of bytes whose JSON is text like "64Mi".
type Size int64

// UnmarshalJSON reads "64Mi".
func (s *Size) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	bytes, err := schema.ParseSize(text)
	*s = Size(bytes)
	return err
}

// MarshalJSON is the inverse of UnmarshalJSON.
func (s Size) MarshalJSON() ([]byte, error) { return json.Marshal(schema.FormatSize(int64(s))) }

// Duration is a time.Duration whose JSON is text like "30s".
type Duration time.Duration

// UnmarshalJSON reads "30s".
func (d *Duration) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	parsed, err := time.ParseDuration(text)
	*d = Duration(parsed)
	return err
}

// MarshalJSON is the inverse of UnmarshalJSON.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// argv is the command that reaches a host: the first transport that matches, or OpenSSH, which then starts the program that
// is given.
func (c Config) argv(host, ssh, program string, readOnly bool) (argv []string, own bool, err error) {
	if strings.HasPrefix(host, "-") || strings.HasPrefix(ssh, "-") {
		return nil, false, fmt.Errorf("cannot reach host %q: a name that begins with a dash is an option to ssh", host)
	}
	for _, t := range c.Transports {
		if ok, err := path.Match(t.Hosts, host); err != nil {
			return nil, false, fmt.Errorf("cannot match transport %q: %w", t.Hosts, err)
		} else if ok {
			return fill(t.Argv, host, ssh), true, nil
		}
	}
	command := []string{program, "exec", "--stdio", "--name", host}
	if readOnly {
		command = append(command, "--read-only")
	}
	argv, err = exec.SSH(ssh, command...)
	return argv, false, err
}

func fill(argv []string, host, ssh string) []string {
	out := make([]string, len(argv))
	for i, arg := range argv {
		out[i] = strings.NewReplacer("{host}", host, "{ssh}", ssh).Replace(arg)
	}
	return out
}
