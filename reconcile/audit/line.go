package audit

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// A line is "CHAIN TAG FORM PAYLOAD": the chain is the SHA-256 of the chain before and of all that follows it, the tag a plan's ID
// or "-", and the payload records, a JSON line each, deflated in base64 ("z") or, when it is one, as it is ("j").

// packFrom is how many bytes of records are worth packing.
const packFrom = 1 << 10

// level costs little and takes away most of what recurs.
const level = 2

var errChain = errors.New("it is not chained to the line before: it was changed, or one between was taken out")

func chained(before, rest string) string {
	sum := sha256.New()
	io.WriteString(sum, before)
	io.WriteString(sum, rest)
	return hex.EncodeToString(sum.Sum(nil))
}

// line makes a line of records, and the chain that it ends.
func line(chain, tag string, records []Record) (text, next string, err error) {
	var plain bytes.Buffer
	to := json.NewEncoder(&plain)
	to.SetEscapeHTML(false)
	for i := range records {
		if err := to.Encode(&records[i]); err != nil {
			return "", "", fmt.Errorf("internal error: cannot write the audit trail: %w", err)
		}
	}
	form, payload := "j", strings.TrimSuffix(plain.String(), "\n")
	if len(records) > 1 || plain.Len() > packFrom {
		var packed bytes.Buffer
		w, err := flate.NewWriter(&packed, level)
		if err == nil {
			_, err = w.Write(plain.Bytes())
		}
		if err = errors.Join(err, w.Close()); err != nil {
			return "", "", err
		}
		form, payload = "z", base64.StdEncoding.EncodeToString(packed.Bytes())
	}
	if tag == "" {
		tag = "-"
	}
	rest := tag + " " + form + " " + payload
	next = chained(chain, rest)
	return next + " " + rest + "\n", next, nil
}

// parts are what a line says, whether it is chained or not.
type parts struct{ chain, tag, form, payload string }

// split takes a line apart; errChain says that it does not follow the chain.
func split(chain, text string) (p parts, err error) {
	var rest string
	p.chain, rest, _ = strings.Cut(text, " ")
	p.tag, p.payload, _ = strings.Cut(rest, " ")
	p.form, p.payload, _ = strings.Cut(p.payload, " ")
	if chained(chain, rest) != p.chain {
		return p, errChain
	}
	return p, nil
}

func unpack(form, packed string) (out []Record, err error) {
	var from io.Reader = strings.NewReader(packed)
	if form == "z" {
		from = flate.NewReader(base64.NewDecoder(base64.StdEncoding, from))
	}
	for d := json.NewDecoder(from); ; {
		var r Record
		switch err := d.Decode(&r); {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return out, err
		}
		out = append(out, r)
	}
}
