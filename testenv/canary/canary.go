// Package canary gives the laboratory and tests the secret that they keep, and finds it where it must not be. The program in watch
// runs a command, such as the whole suite, and looks for that secret in all that comes of it: output, processes, files, packets.
package canary

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
)

// Variable names the file that holds the secret while a run is watched. The secret itself may stand in no environment.
const Variable = "PLUMB_CANARY"

// Secret is the secret to keep, in base64, as TSIG wants it: that of the watch, or a random one.
func Secret() (string, error) {
	path := os.Getenv(Variable)
	if path == "" {
		return random(), nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("cannot read the secret of the watch: %w", err)
	}
	return strings.TrimSpace(string(data)), nil
}

// random is 32 bytes whose base64 has letters and digits alone, so that no form of quoting changes it.
func random() string {
	for raw := make([]byte, 32); ; {
		rand.Read(raw) // never fails (crypto/rand)
		if text := base64.StdEncoding.EncodeToString(raw); !strings.ContainsAny(text, "+/") {
			return text
		}
	}
}

// Needles are the forms in which a secret may leak: as it is, decoded, in hex, and encoded once more at each place within three bytes.
type Needles [][]byte

// Of makes the needles of a secret in base64.
func Of(secret string) (Needles, error) {
	raw, err := base64.StdEncoding.DecodeString(secret)
	if err != nil || len(raw) < 16 {
		return nil, fmt.Errorf("the secret is no base64 of 16 bytes or more: %w", err)
	}
	text := []byte(strings.TrimRight(secret, "="))
	out := Needles{text, raw, []byte(hex.EncodeToString(raw))}
	for shift := range 3 {
		again := base64.StdEncoding.EncodeToString(append(make([]byte, shift), text...))
		out = append(out, []byte(again[4:len(again)-4])) // what stands beside it changes both ends
	}
	return out, nil
}

// In tells whether a text holds the secret in any form.
func (n Needles) In(data []byte) bool {
	for _, needle := range n {
		if bytes.Contains(data, needle) {
			return true
		}
	}
	return false
}
