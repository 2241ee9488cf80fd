package trust

import (
	"bytes"
	"crypto/rsa"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"

	"plumbline/sources"
)

// namespace of the signatures that git makes: one that was made for a file or an e-mail counts for no commit.
const namespace = "git"

// leastRSA is the least length of an RSA key, in bits.
const leastRSA = 3072

// signer is a line of a list of allowed signers.
type signer struct {
	principals    []string
	key           ssh.PublicKey
	namespaces    []string // patterns; none = any
	after, before time.Time
}

// parseSigners reads allowed signers, as ssh-keygen(1) describes them. Certificates and negated patterns are refused.
func parseSigners(text string) ([]signer, error) {
	var out []signer
	for n, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		s, err := parseSigner(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
		out = append(out, s)
	}
	return out, nil
}

func parseSigner(line string) (s signer, err error) {
	principals, rest, ok := strings.Cut(line, " ")
	if quoted := strings.HasPrefix(line, `"`); quoted {
		principals, rest, ok = strings.Cut(line[1:], `" `)
	}
	if !ok {
		return s, fmt.Errorf("want PRINCIPALS [OPTIONS] KEYTYPE KEY")
	}
	key, _, options, _, err := ssh.ParseAuthorizedKey([]byte(strings.TrimSpace(rest)))
	if err != nil {
		return s, fmt.Errorf("no SSH public key: %w", err)
	}
	s.principals, s.key = strings.Split(principals, ","), key
	for _, option := range options {
		if err := s.option(option); err != nil {
			return s, err
		}
	}
	for _, pattern := range slices.Concat(s.principals, s.namespaces) {
		if strings.HasPrefix(pattern, "!") {
			return s, fmt.Errorf("negated pattern %q is not supported", pattern)
		}
	}
	return s, nil
}

func (s *signer) option(option string) (err error) {
	name, value, _ := strings.Cut(option, "=")
	value = strings.Trim(value, `"`)
	switch strings.ToLower(name) {
	case "namespaces":
		s.namespaces = strings.Split(value, ",")
	case "valid-after":
		s.after, err = parseTime(value)
	case "valid-before":
		s.before, err = parseTime(value)
	case "cert-authority":
		err = fmt.Errorf("certificates are not supported; list the keys themselves")
	default:
		err = fmt.Errorf("unknown option %q", name)
	}
	return err
}

// parseTime reads YYYYMMDD[HHMM[SS]], of the local zone unless a Z follows.
func parseTime(text string) (time.Time, error) {
	digits, utc := strings.CutSuffix(text, "Z")
	zone := time.Local
	if utc {
		zone = time.UTC
	}
	for _, layout := range []string{"20060102", "200601021504", "20060102150405"} {
		if len(layout) == len(digits) {
			if t, err := time.ParseInLocation(layout, digits, zone); err == nil {
				return t, nil
			}
		}
	}
	return time.Time{}, fmt.Errorf("%q is no time; want YYYYMMDD[HHMM[SS]][Z]", text)
}

func (k *keys) verifySSH(c *sources.Signed, now time.Time) (Signer, *refusal) {
	sig, err := sshsig.Unarmor([]byte(c.Signature))
	if err != nil {
		return Signer{}, refuse(Bad, "has a signature that cannot be read (%v)", err)
	}
	id := ssh.FingerprintSHA256(sig.PublicKey)
	if err := sshsig.Verify(bytes.NewReader(c.Payload), sig, sig.PublicKey, sig.HashAlgorithm, namespace); err != nil {
		return Signer{}, refuse(Bad, "has a signature of key %s that does not fit it (%v)", id, err)
	}
	if k.revoked[string(sig.PublicKey.Marshal())] {
		return Signer{}, refuse(Revoked, "is signed with key %s, which is revoked", id)
	}
	if r := weakSSH(sig.PublicKey, id); r != nil {
		return Signer{}, r
	}
	var last *refusal
	for _, s := range k.signers {
		if !bytes.Equal(s.key.Marshal(), sig.PublicKey.Marshal()) {
			continue
		}
		if last = s.valid(c.Time, now, id); last == nil {
			return Signer{Name: s.principals[0], Key: id}, nil
		}
	}
	if last == nil {
		last = refuse(Unknown, "is signed with key %s, which is not in the list of signers", id)
	}
	return Signer{}, last
}

// valid tells why a signer's line does not count for a commit made and received at these times.
func (s *signer) valid(made, received time.Time, id string) *refusal {
	if len(s.namespaces) > 0 && !slices.ContainsFunc(s.namespaces, func(pattern string) bool { return matches(pattern, namespace) }) {
		return refuse(Unknown, "is signed with key %s, which may not sign in the namespace %q", id, namespace)
	}
	for _, at := range []time.Time{made, received} {
		if !s.after.IsZero() && at.Before(s.after) {
			return refuse(Expired, "is signed with key %s of %s, which is valid from %s on", id, s.principals[0], s.after.Format(time.RFC3339))
		}
		if !s.before.IsZero() && !at.Before(s.before) {
			return refuse(Expired, "is signed with key %s of %s, which was valid until %s", id, s.principals[0], s.before.Format(time.RFC3339))
		}
	}
	return nil
}

func weakSSH(key ssh.PublicKey, id string) *refusal {
	switch key.Type() {
	case ssh.KeyAlgoED25519, ssh.KeyAlgoSKED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoSKECDSA256:
		return nil
	case ssh.KeyAlgoRSA:
		if public, ok := key.(ssh.CryptoPublicKey).CryptoPublicKey().(*rsa.PublicKey); ok && public.N.BitLen() >= leastRSA {
			return nil
		}
		return refuse(Weak, "is signed with key %s, an RSA key of fewer than %d bits", id, leastRSA)
	}
	return refuse(Weak, "is signed with key %s, of type %s, which is not accepted", id, key.Type())
}
