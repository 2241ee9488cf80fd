package notify

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Slack posts to an incoming webhook of Slack, or of what understands the same (Mattermost, Rocket.Chat, Discord's /slack).
type Slack struct{ Webhook }

// attachment is the coloured part of a message.
type attachment struct {
	Color    string `json:"color"`
	Fallback string `json:"fallback"`
	Text     string `json:"text"`
	Footer   string `json:"footer"` // the notice's ID, by which a delivery that came twice is known
}

// Send posts one message.
func (s *Slack) Send(ctx context.Context, n Notice) error {
	title := fmt.Sprintf("[%s] %s", n.Status, n.Reason)
	if n.Status == Event {
		title = n.Reason
	}
	message := map[string]any{
		"text":        title,
		"attachments": []attachment{{Color: color(n), Fallback: slackText(title + ": " + n.Message), Text: slackBody(n), Footer: "plumb " + n.ID}},
	}
	return s.post(ctx, s.URL, message, http.Header{})
}

// String is "slack SCHEME://HOST".
func (s *Slack) String() string { return "slack " + s.place() }

func color(n Notice) string {
	switch {
	case n.Status == Resolved:
		return "good"
	case n.Severity == Critical:
		return "danger"
	case n.Severity == Warning:
		return "warning"
	}
	return "#439fe0"
}

func slackBody(n Notice) string {
	var b strings.Builder
	b.WriteString(slackText(n.Message))
	if n.Declared.File != "" {
		fmt.Fprintf(&b, "\ndeclared: %s", slackText(n.Declared.String()))
	}
	var keys []string
	for key := range n.Details {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		fmt.Fprintf(&b, "\n%s: %s", slackText(key), slackText(n.Details[key]))
	}
	return b.String()
}

// slackText keeps values from being markup: links, mentions and channels begin with "<"
// (https://api.slack.com/reference/surfaces/formatting#escaping).
func slackText(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}
