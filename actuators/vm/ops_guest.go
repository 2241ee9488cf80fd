package vm

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"

	"plumbline/actuators"
)

// GuestChange sets the OEM strings that tell a guest its name and addresses. They are the one field that libvirt has no
// call for, so their block is spliced within the text of the definition and the rest of the text stays as it is.
type GuestChange struct {
	Ref
	Guest []string `json:"guest"`
}

var setGuest = actuators.Op[GuestChange, []string, State]{
	Name: "set-guest", Reversal: actuators.Exact,
	Capture: func(ctx context.Context, h actuators.Host, p GuestChange) ([]string, error) {
		return captured(ctx, h, p.Ref, func(l State) []string { return l.Config.Guest })
	},
	Do: func(ctx context.Context, h actuators.Host, p GuestChange, _ []string) error {
		return within(ctx, h, p.Ref, func(s *session) error { return s.tell(ctx, p.Domain, p.Guest) })
	},
	Undo: func(ctx context.Context, h actuators.Host, p GuestChange, before []string) error {
		return within(ctx, h, p.Ref, func(s *session) error {
			live := s.state.Config.Guest
			if !slices.Equal(live, p.Guest) && !slices.Equal(live, before) {
				return actuators.Stuck("what domain "+p.Domain+" tells its guest", live, before)
			}
			return s.tell(ctx, p.Domain, before)
		})
	},
	Predict: func(p GuestChange, have *State) *State {
		return predict(have, func(c *Config) { c.Guest = p.Guest })
	},
}

func (s *session) tell(ctx context.Context, name string, guest []string) error {
	if slices.Equal(s.state.Config.Guest, guest) {
		return nil
	}
	text, err := s.Secure(ctx, name)
	if err != nil {
		return err
	}
	if text, err = splice(text, guest); err != nil {
		return fmt.Errorf("cannot tell the guest of domain %s: %w", name, err)
	}
	return s.Define(ctx, text)
}

const oemBegin, oemEnd = "<oemStrings>", "</oemStrings>"

// splice replaces our OEM strings in a domain's text and keeps those of others.
func splice(text string, guest []string) (string, error) {
	text, err := withStrings(text)
	if err != nil {
		return "", err
	}
	begin, end := strings.Index(text, oemBegin), strings.Index(text, oemEnd)
	var block struct {
		Entries []string `xml:"entry"`
	}
	if err := xml.Unmarshal([]byte(text[begin:end+len(oemEnd)]), &block); err != nil {
		return "", err
	}
	entries := slices.DeleteFunc(block.Entries, func(e string) bool { return strings.HasPrefix(strings.TrimSpace(e), guestPrefix) })
	var b bytes.Buffer
	for _, entry := range append(entries, guest...) {
		b.WriteString("<entry>")
		if err := xml.EscapeText(&b, []byte(entry)); err != nil {
			return "", err
		}
		b.WriteString("</entry>")
	}
	return text[:begin+len(oemBegin)] + b.String() + text[end:], nil
}

// withStrings gives a domain that somebody else defined an empty block of OEM strings, where libvirt wants it.
func withStrings(text string) (string, error) {
	if begin := strings.Index(text, oemBegin); begin >= 0 && strings.Index(text, oemEnd) > begin {
		return text, nil
	}
	if strings.Contains(text, "<sysinfo") || strings.Contains(text, "<smbios") {
		return "", fmt.Errorf("%w: its definition has an SMBIOS of its own; add <oemStrings><entry>plumb.</entry></oemStrings> to it by hand", actuators.ErrRefused)
	}
	after := max(strings.Index(text, "</metadata>"), 0) // others' metadata may hold anything
	begin, end := strings.Index(text[after:], "<os"), strings.Index(text[after:], "</os>")
	if begin < 0 || end < begin {
		return "", fmt.Errorf("%w: its definition has no place for SMBIOS OEM strings", actuators.ErrRefused)
	}
	begin, end = begin+after, end+after
	return text[:begin] + "<sysinfo type='smbios'>" + oemBegin + oemEnd + "</sysinfo>" + text[begin:end] + "<smbios mode='sysinfo'/>" + text[end:], nil
}
