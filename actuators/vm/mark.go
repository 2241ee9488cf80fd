package vm

import (
	"encoding/xml"
	"io"
	"strings"

	"plumbline/actuators"
	"plumbline/schema"
)

// The mark is one element of the domain's metadata. It names the UUID of the domain it was written into: a clone carries
// the element on, but not the UUID, and so is not ours.
const (
	markPrefix = "plumb"
	markURI    = "https://plumbline.internal/mark/v1"
)

type markElement struct {
	XMLName      xml.Name `xml:"mark"`
	Installation string   `xml:"installation,attr"`
	ID           string   `xml:"id,attr"`
	Hash         string   `xml:"hash,attr"`
	UUID         string   `xml:"uuid,attr"`
	Stop         string   `xml:"stop,attr,omitempty"` // how long its guest has to shut down, for when nothing declares it any more
}

// element is the mark without its name space, as virDomainSetMetadata takes it.
func element(m actuators.Mark, uuid, stop string) string {
	text, err := xml.Marshal(markElement{Installation: m.Installation, ID: string(m.ID), Hash: m.Hash, UUID: uuid, Stop: stop})
	if err != nil {
		panic("internal error: mark: " + err.Error())
	}
	return string(text)
}

// metadata is the mark as it stands in a new domain's definition.
func metadata(m actuators.Mark, uuid, stop string) string {
	text := strings.TrimPrefix(element(m, uuid, stop), "<mark")
	text = strings.TrimSuffix(text, "</mark>") + "</" + markPrefix + ":mark>"
	return "<" + markPrefix + `:mark xmlns:` + markPrefix + `="` + markURI + `"` + text
}

// readMark finds the mark in the inner text of a metadata element, and the time to stop that stands beside it; nil when
// there is none for this UUID.
func readMark(inner, uuid string) (m *actuators.Mark, stop string) {
	d := xml.NewDecoder(strings.NewReader("<metadata>" + inner + "</metadata>"))
	for {
		token, err := d.Token()
		if err == io.EOF || err != nil {
			return nil, ""
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Space != markURI || start.Name.Local != "mark" {
			continue
		}
		return fromElement(d, start, uuid)
	}
}

func fromElement(d *xml.Decoder, start xml.StartElement, uuid string) (m *actuators.Mark, stop string) {
	var e markElement
	start.Name.Space = ""
	if d.DecodeElement(&e, &start) != nil || e.UUID != uuid {
		return nil, ""
	}
	return &actuators.Mark{Installation: e.Installation, ID: schema.ID(e.ID), Hash: e.Hash}, e.Stop
}
