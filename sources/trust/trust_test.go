package trust_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"plumbline/sources"
	"plumbline/sources/trust"
)

// byAnn is a repository with a signed first commit, and the policy that lets Ann sign.
func byAnn(t *testing.T, mode trust.Mode) (r *repo, p trust.Policy, base string) {
	t.Helper()
	r = newRepo(t)
	list := r.write(".git/signers", "ann@boston "+r.key("ann")+"\n")
	return r, trust.Policy{Mode: mode, Files: trust.Files{Signers: list}}, r.commit("ann", "a.cue")
}

func TestASignedCommitNamesItsSigner(t *testing.T) {
	for _, mode := range []trust.Mode{trust.Head, trust.Range, trust.FirstParent} {
		r, p, base := byAnn(t, mode)
		r.commit("ann", "b.cue")
		head := r.commit("ann", "a.cue")
		r.trusted(p, head, base, "ann@boston")
		r.trusted(p, head, "", "ann@boston") // from the very first commit on
	}
}

func TestASignedHeadOverAnUnsignedCommit(t *testing.T) {
	r, p, base := byAnn(t, trust.Range)
	unsigned := r.commit("", "b.cue")
	head := r.commit("ann", "c.cue")
	r.refused(p, head, base, trust.Unsigned, unsigned)
	p.Mode = trust.Head
	r.trusted(p, head, base, "ann@boston")
	p.Mode = trust.Range
	r.trusted(p, head, unsigned, "ann@boston") // what was accepted before is judged no more
	p.Since = unsigned
	r.trusted(p, head, "", "ann@boston")
}

func TestAMergeIsJudgedByMode(t *testing.T) {
	r, p, base := byAnn(t, trust.Range)
	r.git("checkout", "-q", "-b", "side")
	side := r.commit("", "b.cue")
	r.git("checkout", "-q", "main")
	merge := r.record("ann", "merge", "-q", "--no-ff", "-m", "merge side", "side")
	r.refused(p, merge, base, trust.Unsigned, side)
	p.Mode = trust.FirstParent
	r.trusted(p, merge, base, "ann@boston")
	unsigned := r.commit("", "c.cue")
	r.refused(p, unsigned, base, trust.Unsigned, unsigned)
}

func TestAStranger(t *testing.T) {
	r, p, base := byAnn(t, trust.Range)
	r.key("eve")
	r.refused(p, r.commit("eve", "b.cue"), base, trust.Unknown, r.git("rev-parse", "HEAD"))
}

func TestASignatureOfAnotherCommitIsBad(t *testing.T) {
	r, p, base := byAnn(t, trust.Range)
	r.commit("ann", "b.cue")
	forged := strings.Replace(r.git("cat-file", "commit", "HEAD")+"\n", "change b.cue", "change c.cue", 1)
	id := r.gitIn(forged, "hash-object", "-t", "commit", "-w", "--stdin")
	r.refused(p, id, base, trust.Bad, id)
}

func TestASignatureForAFileIsNoneForACommit(t *testing.T) {
	r, p, base := byAnn(t, trust.Range)
	list := r.write(".git/signers", `ann@boston namespaces="file" `+readKey(t, r, "ann")+"\n")
	p.Files.Signers = list
	head := r.commit("ann", "b.cue")
	r.refused(p, head, base, trust.Unknown, head)
	r.write(".git/signers", `"ann@boston,other" namespaces="g*" `+readKey(t, r, "ann")+"\n")
	r.trusted(p, head, base, "ann@boston")
}

func readKey(t *testing.T, r *repo, name string) string {
	t.Helper()
	data, err := os.ReadFile(r.path(".git/" + name + ".pub"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(data))
}

func TestValidityAtCommitAndAtReceiveTime(t *testing.T) {
	r, p, base := byAnn(t, trust.Range)
	head := r.commit("ann", "b.cue")
	made := time.Unix(r.clock, 0).UTC()
	say := func(options string) {
		r.write(".git/signers", "ann@boston "+options+" "+readKey(t, r, "ann")+"\n")
	}
	stamp := func(d time.Duration) string { return made.Add(d).Format("20060102150405") + "Z" }
	say(`valid-after="` + stamp(-time.Hour) + `",valid-before="` + stamp(24*time.Hour) + `"`)
	r.trusted(p, head, base, "ann@boston")
	say(`valid-before="` + stamp(time.Minute) + `"`) // made in time, received too late
	r.refused(p, head, base, trust.Expired, head)
	say(`valid-after="` + stamp(time.Minute) + `"`) // made too early
	r.refused(p, head, base, trust.Expired, head)
}

func TestRevokedAndWeakKeys(t *testing.T) {
	r, p, base := byAnn(t, trust.Range)
	head := r.commit("ann", "b.cue")
	p.Files.Revoked = r.write(".git/revoked", "# lost in a train\n"+readKey(t, r, "ann")+"\n")
	r.refused(p, head, base, trust.Revoked, head)
	p.Files.Revoked = ""
	r.write(".git/signers", "old@boston "+r.key("old", "-t", "rsa", "-b", "2048")+"\nrsa@boston "+r.key("rsa", "-t", "rsa", "-b", "3072")+"\n")
	base = head
	head = r.commit("rsa", "c.cue")
	r.trusted(p, head, base, "rsa@boston")
	base, head = head, r.commit("old", "d.cue")
	r.refused(p, head, base, trust.Weak, head)
}

func TestACommitCannotLetItsOwnSignerIn(t *testing.T) {
	r := newRepo(t)
	p := trust.Policy{Mode: trust.Range, InTree: trust.Files{Signers: ".plumb/signers"}}
	ann, eve := r.key("ann"), r.key("eve")
	r.write(".plumb/signers", "ann@boston "+ann+"\n")
	base := r.commit("ann", "a.cue")

	r.write(".plumb/signers", "ann@boston "+ann+"\neve@boston "+eve+"\n")
	own := r.commit("eve", "b.cue")
	r.refused(p, own, base, trust.Unknown, own)

	r.git("reset", "-q", "--hard", base)
	r.write(".plumb/signers", "ann@boston "+ann+"\neve@boston "+eve+"\n")
	let := r.commit("ann", "b.cue")
	head := r.commit("eve", "c.cue") // let in by a commit that is trusted, in the same push
	r.trusted(p, head, base, "eve@boston")

	r.write(".plumb/signers", "ann@boston "+ann+"\n")
	out := r.commit("ann", "b.cue")
	r.git("checkout", "-q", "-b", "side", let)
	side := r.commit("eve", "d.cue") // on a branch of the time when she was in the list
	r.git("checkout", "-q", "main")
	merge := r.record("ann", "merge", "-q", "--no-ff", "-m", "merge side", "side")
	r.refused(p, merge, out, trust.Unknown, side)

	if _, err := r.check(p, head, ""); !errors.Is(err, trust.ErrNoBeginning) {
		t.Errorf("without a trusted commit: %v", err)
	}
	p.Since = base
	r.trusted(p, head, "", "eve@boston")
}

func TestPathsOfASigner(t *testing.T) {
	r, p, base := byAnn(t, trust.Range)
	p.Scopes = []trust.Scope{{Signer: "ann@*", Paths: []string{"net/**", "*.md"}}}
	inside := r.commit("ann", "net/edge/nat.cue")
	r.trusted(p, inside, base, "ann@boston")
	outside := r.commit("ann", "vm.cue")
	_, err := r.check(p, outside, base)
	if err == nil || !strings.Contains(err.Error(), "vm.cue") {
		t.Errorf("does not name the path: %v", err)
	}
	r.refused(p, outside, base, trust.OutOfScope, outside)

	r.git("reset", "-q", "--hard", inside) // a merge of others' work changes nothing itself
	r.write(".git/signers", "ann@boston "+readKey(t, r, "ann")+"\nbob@boston "+r.key("bob")+"\n")
	r.git("checkout", "-q", "-b", "side")
	r.commit("bob", "vm.cue")
	r.git("checkout", "-q", "main")
	r.commit("ann", "net/edge/vip.cue")
	merge := r.record("ann", "merge", "-q", "--no-ff", "-m", "merge side", "side")
	r.trusted(p, merge, base, "ann@boston")
	r.write("vm.cue", "package evil\n")
	evil := r.record("ann", "commit", "-q", "--amend", "-m", "merge side, and more")
	r.refused(p, evil, base, trust.OutOfScope, evil)
}

func TestOpenPGP(t *testing.T) {
	r := newRepo(t)
	made := time.Unix(r.clock, 0)
	entity := func(name string, c packet.Config) *openpgp.Entity {
		c.Time = func() time.Time { return made }
		e, err := openpgp.NewEntity(name, "", name+"@boston", &c)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	ann := entity("Ann", packet.Config{Algorithm: packet.PubKeyAlgoEdDSA})
	weak := entity("Weak", packet.Config{RSABits: 2048})
	brief := entity("Brief", packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, KeyLifetimeSecs: 600})
	eve := entity("Eve", packet.Config{Algorithm: packet.PubKeyAlgoEdDSA})
	p := trust.Policy{Mode: trust.Range, Files: trust.Files{Keyring: r.write(".git/keyring", armored(t, ann, weak, brief))}, Now: func() time.Time { return time.Now() }}
	base := r.commit("", "a.cue")
	head := r.commitPGP(ann, "b.cue")
	r.trusted(p, head, base, "Ann <Ann@boston>")
	for _, c := range []struct {
		by     *openpgp.Entity
		reason trust.Reason
	}{{weak, trust.Weak}, {brief, trust.Expired}, {eve, trust.Unknown}} {
		r.git("reset", "-q", "--hard", head)
		bad := r.commitPGP(c.by, "c.cue")
		r.refused(p, bad, head, c.reason, bad)
	}
}

func armored(t *testing.T, entities ...*openpgp.Entity) string {
	t.Helper()
	var out bytes.Buffer
	w, err := armor.Encode(&out, openpgp.PublicKeyType, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entities {
		if err := e.Serialize(w); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestListsThatCannotBeRead(t *testing.T) {
	r, p, base := byAnn(t, trust.Range)
	head := r.commit("ann", "b.cue")
	for text, want := range map[string]string{
		"ann@boston ssh-ed25519 nonsense":                            "line 1: no SSH public key",
		"ann@boston cert-authority " + readKey(t, r, "ann"):          "certificates are not supported",
		"ann@boston valid-before=\"soon\" " + readKey(t, r, "ann"):   "\"soon\" is no time",
		"!ann@boston " + readKey(t, r, "ann"):                        "negated pattern",
		"ann@boston no-such-option " + readKey(t, r, "ann"):          "unknown option",
		strings.Repeat("# long\n", 200_000) + readKey(t, r, "ann"):   "at most 1048576 are read",
		"# two lines\nann@boston ssh-ed25519 AAAA broken\n# the end": "line 2",
	} {
		r.write(".git/signers", text)
		if _, err := r.check(p, head, base); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "signers") {
			t.Errorf("%.40q: error %v, want %q and the file", text, err, want)
		}
	}
	r.write(".git/signers", "ann@boston "+readKey(t, r, "ann"))
	if err := os.Chmod(r.path(".git/signers"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := r.check(p, head, base); err == nil || !strings.Contains(err.Error(), "chmod go-w") {
		t.Errorf("a list that anybody can write: %v", err)
	}
	p.Files.Signers = r.path(".git/none")
	if _, err := r.check(p, head, base); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a list that is not there: %v", err)
	}
	if _, err := r.check(p, strings.Repeat("0", 40), base); !errors.Is(err, sources.ErrNoCommit) {
		t.Errorf("a commit that is not there: %v", err)
	}
}
