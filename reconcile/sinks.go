package reconcile

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"

	"plumbline/reconcile/exec"
)

// Sink is one place that notices go to.
type Sink struct {
	File         string     `json:"file"`
	Webhook      Hidden     `json:"webhook"`
	Slack        Hidden     `json:"slack"`
	Alertmanager Hidden     `json:"alertmanager"`
	Status       string     `json:"status"` // a project at a forge
	Forge        string     `json:"forge"`  // github | gitea | gitlab
	Key          *SecretRef `json:"key"`    // signs a webhook
	Token        *SecretRef `json:"token"`
}

// SecretRef names a file of Config.Secrets.
type SecretRef struct {
	Secret string `json:"secret"`
}

// Open reads the secret; nil is "".
func (r *SecretRef) Open(dir string) (string, error) {
	if r == nil {
		return "", nil
	}
	return exec.LocalSecret(dir, r.Secret)
}

// Hidden is an address, or the name of the secret that holds it.
type Hidden struct {
	Text   string
	Secret string
}

// UnmarshalJSON reads "text" or {"secret": "NAME"}.
func (h *Hidden) UnmarshalJSON(data []byte) error {
	var ref SecretRef
	if json.Unmarshal(data, &h.Text) == nil {
		return nil
	}
	err := json.Unmarshal(data, &ref)
	h.Secret = ref.Secret
	return err
}

// MarshalJSON is the inverse of UnmarshalJSON.
func (h Hidden) MarshalJSON() ([]byte, error) {
	if h.Secret != "" {
		return json.Marshal(SecretRef{h.Secret})
	}
	return json.Marshal(h.Text)
}

// There tells whether anything is named.
func (h Hidden) There() bool { return h.Text != "" || h.Secret != "" }

// Open gives the address. It is one of http or https.
func (h Hidden) Open(dir string) (string, error) {
	text := h.Text
	if h.Secret != "" {
		var err error
		if text, err = exec.LocalSecret(dir, h.Secret); err != nil {
			return "", err
		}
	}
	return text, address(text, h.Secret)
}

// address refuses what is no address to post to; what came from a secret is not told.
func address(text, secret string) error {
	u, err := url.Parse(text)
	if err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") {
		return nil
	}
	if secret != "" {
		return fmt.Errorf("what the secret %q holds is no address such as \"https://alerts.boston/plumb\"", secret)
	}
	return fmt.Errorf("%q is no address such as \"https://alerts.boston/plumb\"", text)
}

// check finds what the schema cannot: a sink is one place, and has what that place takes.
func (s Sink) check() error {
	places := 0
	for _, there := range []bool{s.File != "", s.Webhook.There(), s.Slack.There(), s.Alertmanager.There(), s.Status != ""} {
		if there {
			places++
		}
	}
	switch {
	case places == 0:
		return errors.New("it names no place; give it a file, webhook, slack, alertmanager or status")
	case places > 1:
		return errors.New("it names several places; write one sink for each")
	case s.Key != nil && !s.Webhook.There():
		return errors.New("key signs what a webhook gets; there is none")
	case s.Token != nil && !s.Webhook.There() && !s.Alertmanager.There() && s.Status == "":
		return errors.New("token is for a webhook, alertmanager or status")
	case s.Status != "" && (s.Forge == "" || s.Token == nil):
		return errors.New("status wants the forge (github, gitea or gitlab) and a token")
	}
	for _, h := range []Hidden{s.Webhook, s.Slack, s.Alertmanager} {
		if h.Text != "" {
			if err := address(h.Text, ""); err != nil {
				return err
			}
		}
	}
	return nil
}
