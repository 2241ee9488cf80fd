package dns

import (
	"errors"
	"fmt"
	"slices"

	wire "github.com/miekg/dns"

	"plumbline/actuators"
)

// ErrChanged is an update whose prerequisites did not hold: the zone is not as it was looked at.
var ErrChanged = errors.New("the zone was changed since it was looked at")

// rcodeError is a server that says no.
type rcodeError struct {
	server Server
	rcode  int
	tsig   uint16
}

// Error names server, key and remedy.
func (e *rcodeError) Error() string {
	at, key := e.server.Address, e.server.Key.Name
	word := wire.RcodeToString[e.rcode]
	switch {
	case e.tsig == wire.RcodeBadTime:
		return fmt.Sprintf("server %s refuses the signature (BADTIME): its clock and this host's differ by more than %d seconds", at, fudge)
	case e.tsig == wire.RcodeBadKey:
		return fmt.Sprintf("server %s refuses key %q (BADKEY): it does not know it, or its ACL does not allow this to it in zone %s", at, key, e.server.Zone)
	case e.tsig == wire.RcodeBadSig:
		return fmt.Sprintf("server %s refuses the signature (BADSIG): the secret %q is not that of its key %q", at, e.server.Key.Secret.Name, key)
	case e.rcode == wire.RcodeRefused:
		return fmt.Sprintf("server %s refuses (REFUSED): it does not serve zone %s, or its ACL does not allow this to key %q", at, e.server.Zone, key)
	case e.rcode == wire.RcodeNotAuth || e.rcode == wire.RcodeNotZone:
		return fmt.Sprintf("server %s is not authoritative for zone %s (%s)", at, e.server.Zone, word)
	case e.rcode == wire.RcodeNotImplemented:
		return fmt.Sprintf("server %s does not take updates of zone %s (NOTIMP): name its primary server", at, e.server.Zone)
	}
	return fmt.Sprintf("server %s answers %s for zone %s", at, word, e.server.Zone)
}

// Unwrap tells what somebody may do about it.
func (e *rcodeError) Unwrap() error {
	switch {
	case e.tsig == 0 && (e.rcode == wire.RcodeYXRrset || e.rcode == wire.RcodeNXRrset || e.rcode == wire.RcodeYXDomain || e.rcode == wire.RcodeNameError):
		return ErrChanged
	case e.rcode == wire.RcodeServerFailure || e.tsig == wire.RcodeBadTime:
		return actuators.ErrTransient
	}
	return actuators.ErrRefused
}

// isRcode tells whether a server said one of these, and not because of the signature.
func isRcode(err error, rcodes ...int) bool {
	var said *rcodeError
	return errors.As(err, &said) && said.tsig == 0 && slices.Contains(rcodes, said.rcode)
}

// isBadKey tells whether the server knows the key and does not allow it this, or does not know it.
func isBadKey(err error) bool {
	var e *rcodeError
	return errors.As(err, &e) && e.tsig == wire.RcodeBadKey
}
