package network

import (
	"crypto/sha256"
	"encoding/xml"
	"fmt"
	"io"
	"regexp"
	"strings"

	"libvirt.org/go/libvirtxml"

	"plumbline/actuators"
	"plumbline/actuators/internal/virt"
	"plumbline/schema"
)

// The mark is one element of the network's metadata. It names the UUID of the network that it was written into: a copy
// carries the element on, but not the UUID, and so is not ours.
const markURI = "https://plumbline.internal/mark/v1"

type markElement struct {
	XMLName      xml.Name `xml:"plumb:mark"`
	Space        string   `xml:"xmlns:plumb,attr"`
	Installation string   `xml:"installation,attr"`
	ID           string   `xml:"id,attr"`
	Hash         string   `xml:"hash,attr"`
	UUID         string   `xml:"uuid,attr"`
}

func element(m actuators.Mark, uuid string) string {
	text, err := xml.Marshal(markElement{Space: markURI, Installation: m.Installation, ID: string(m.ID), Hash: m.Hash, UUID: uuid})
	if err != nil {
		panic("internal error: mark: " + err.Error())
	}
	return string(text)
}

// readMark finds the mark in the inner text of a metadata element; nil when there is none for this UUID.
func readMark(inner, uuid string) *actuators.Mark {
	d := xml.NewDecoder(strings.NewReader("<metadata>" + inner + "</metadata>"))
	for {
		token, err := d.Token()
		if err == io.EOF || err != nil {
			return nil
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Space != markURI || start.Name.Local != "mark" {
			continue
		}
		has := map[string]string{}
		for _, a := range start.Attr {
			has[a.Name.Local] = a.Value
		}
		if has["uuid"] != uuid {
			return nil
		}
		return &actuators.Mark{Installation: has["installation"], ID: schema.ID(has["id"]), Hash: has["hash"]}
	}
}

// define is the text of a new network.
func define(p params) string {
	uuid := deriveUUID(p.Mark)
	return fmt.Sprintf("<network><name>%s</name><uuid>%s</uuid><metadata>%s</metadata><forward mode='%s'/><bridge name='%s'/></network>",
		escape(p.Network), uuid, element(p.Mark, uuid), mode, escape(p.Bridge))
}

func escape(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) // a strings.Builder takes everything
	return b.String()
}

// deriveUUID gives a network of an installation the same UUID whenever it is made (RFC 9562, version 8: made by us).
func deriveUUID(m actuators.Mark) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "uuid\x00%s\x00%s", m.Installation, m.ID))
	sum[6] = sum[6]&0x0f | 0x80
	sum[8] = sum[8]&0x3f | 0x80
	return virt.FormatUUID([16]byte(sum[:16]))
}

var (
	bridgeName = regexp.MustCompile(`(<bridge name=)(?:'[^']*'|"[^"]*")`)
	metadata   = regexp.MustCompile(`<metadata>|<metadata/>`)
)

// onBridge puts another bridge into a definition and leaves the rest as it is.
func onBridge(text, bridge string) string {
	return bridgeName.ReplaceAllString(text, "${1}'"+escape(bridge)+"'")
}

// marked puts the mark into a definition and leaves the rest as it is.
func marked(text string, m actuators.Mark, uuid string) string {
	mark := element(m, uuid)
	if at := metadata.FindStringIndex(text); at != nil {
		if strings.HasSuffix(text[:at[1]], "/>") {
			return text[:at[0]] + "<metadata>" + mark + "</metadata>" + text[at[1]:]
		}
		return text[:at[1]] + mark + text[at[1]:]
	}
	return strings.Replace(text, "</name>", "</name><metadata>"+mark+"</metadata>", 1)
}

// read takes the state and the mark out of what libvirt tells.
func read(n virt.Network) (State, *actuators.Mark, error) {
	var x libvirtxml.Network
	if err := x.Unmarshal(n.XML); err != nil {
		return State{}, nil, fmt.Errorf("cannot read the definition of network %s: %w", n.Name, err)
	}
	s := State{Config: Config{Active: n.Active, Autostart: n.Autostart}, Status: Status{UUID: n.UUID}}
	if x.Bridge != nil {
		s.Config.Bridge = x.Bridge.Name
	}
	if x.Forward != nil {
		s.Config.Mode = x.Forward.Mode
	}
	if x.Metadata == nil {
		return s, nil, nil
	}
	return s, readMark(x.Metadata.XML, n.UUID), nil
}
