package hook

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"plumbline/sources/forge"
)

// skew is how far a signed time may be from ours (Standard Webhooks).
const skew = 5 * time.Minute

var errSignature = errors.New("no signature, or none by a secret of ours")

// verify holds a delivery against the secrets. The header that the forge prefers decides alone: one that is there and wrong is not made
// good by another.
func verify(kind forge.Kind, h http.Header, body []byte, secrets [][]byte, now time.Time) error {
	switch kind {
	case forge.GitHub:
		signature, ok := strings.CutPrefix(h.Get("X-Hub-Signature-256"), "sha256=")
		if !ok {
			return errSignature
		}
		return any256(signature, body, secrets)
	case forge.Gitea:
		if h.Values("X-Forgejo-Signature") != nil {
			return any256(h.Get("X-Forgejo-Signature"), body, secrets)
		}
		return any256(h.Get("X-Gitea-Signature"), body, secrets)
	case forge.GitLab:
		if h.Values("Webhook-Signature") != nil {
			return standard(h, body, secrets, now)
		}
		return token(h.Get("X-Gitlab-Token"), secrets)
	}
	return errSignature
}

// any256 is a hexadecimal HMAC-SHA256 of the body.
func any256(signature string, body []byte, secrets [][]byte) error {
	given, err := hex.DecodeString(signature)
	if err != nil || len(given) != sha256.Size {
		return errSignature
	}
	return one(secrets, func(secret []byte) bool { return hmac.Equal(given, sum(secret, body)) })
}

// standard is a signature as of the Standard Webhooks specification: over ID, time and body.
func standard(h http.Header, body []byte, secrets [][]byte, now time.Time) error {
	id, at := h.Get("Webhook-Id"), h.Get("Webhook-Timestamp")
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || id == "" {
		return errSignature
	}
	if off := now.Sub(time.Unix(seconds, 0)); off > skew || off < -skew {
		return errors.New("its time is more than 5 minutes from ours")
	}
	signed := []byte(id + "." + at + "." + string(body))
	return one(secrets, func(secret []byte) bool {
		if coded, ok := strings.CutPrefix(string(secret), "whsec_"); ok {
			if key, err := base64.StdEncoding.DecodeString(coded); err == nil {
				secret = key
			}
		}
		want, good := sum(secret, signed), false
		for _, text := range strings.Fields(h.Get("Webhook-Signature")) {
			coded, ok := strings.CutPrefix(text, "v1,")
			given, err := base64.StdEncoding.DecodeString(coded)
			good = good || ok && err == nil && hmac.Equal(given, want)
		}
		return good
	})
}

// token is the secret itself; its digest is compared, so that not even its length is told.
func token(given string, secrets [][]byte) error {
	have := sha256.Sum256([]byte(given))
	return one(secrets, func(secret []byte) bool {
		want := sha256.Sum256(secret)
		return subtle.ConstantTimeCompare(have[:], want[:]) == 1
	})
}

// one asks all secrets, however early one fits.
func one(secrets [][]byte, fits func(secret []byte) bool) error {
	good := false
	for _, secret := range secrets {
		good = fits(secret) && len(secret) > 0 || good
	}
	if !good {
		return errSignature
	}
	return nil
}

func sum(secret, text []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write(text)
	return mac.Sum(nil)
}

// Path is where deliveries signed with a secret come to: nobody guesses it who does not know the secret.
func Path(secret []byte) string {
	return "/hook/" + hex.EncodeToString(sum(secret, []byte("plumb: path of the hook")))
}
