package trust

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"plumbline/sources"
)

func (k *keys) verifyPGP(c *sources.Signed, now time.Time) (Signer, *refusal) {
	block, err := armor.Decode(bytes.NewReader([]byte(c.Signature)))
	if err != nil {
		return Signer{}, refuse(Bad, "has a signature that cannot be read (%v)", err)
	}
	config := &packet.Config{Time: func() time.Time { return now }}
	sig, entity, err := openpgp.VerifyDetachedSignature(k.ring, bytes.NewReader(c.Payload), block.Body, config)
	switch {
	case errors.Is(err, pgperrors.ErrUnknownIssuer):
		return Signer{}, refuse(Unknown, "is signed with an OpenPGP key that is not in the keyring")
	case errors.Is(err, pgperrors.ErrKeyExpired), errors.Is(err, pgperrors.ErrSignatureExpired):
		return Signer{}, refuse(Expired, "is signed with OpenPGP key %s, which is not valid now (%v)", fingerprint(entity), err)
	case errors.Is(err, pgperrors.ErrKeyRevoked):
		return Signer{}, refuse(Revoked, "is signed with OpenPGP key %s, which is revoked", fingerprint(entity))
	case err != nil:
		return Signer{}, refuse(Bad, "has an OpenPGP signature that does not fit it (%v)", err)
	}
	if entity.PrimaryKey.KeyExpired(entity.PrimaryIdentity().SelfSignature, c.Time) {
		return Signer{}, refuse(Expired, "is signed with OpenPGP key %s, which was not valid when the commit was made", fingerprint(entity))
	}
	if r := weakPGP(sig, entity); r != nil {
		return Signer{}, r
	}
	return Signer{Name: entity.PrimaryIdentity().Name, Key: fingerprint(entity)}, nil
}

// fingerprint is the fingerprint of an identity, or a word when the library gave none.
func fingerprint(entity *openpgp.Entity) string {
	if entity == nil {
		return "in the keyring"
	}
	return fmt.Sprintf("%X", entity.PrimaryKey.Fingerprint)
}

// weakPGP refuses hashes that can be forged and keys that are too short: the signing key and the primary one, which
// vouches for it.
func weakPGP(sig *packet.Signature, entity *openpgp.Entity) *refusal {
	if sig.Hash != crypto.SHA256 && sig.Hash != crypto.SHA384 && sig.Hash != crypto.SHA512 && sig.Hash != crypto.SHA3_256 && sig.Hash != crypto.SHA3_512 {
		return refuse(Weak, "is signed over a %s hash", sig.Hash)
	}
	public := []*packet.PublicKey{entity.PrimaryKey}
	for _, sub := range entity.Subkeys {
		if sig.IssuerKeyId != nil && sub.PublicKey.KeyId == *sig.IssuerKeyId {
			public = append(public, sub.PublicKey)
		}
	}
	for _, key := range public {
		switch key.PubKeyAlgo {
		case packet.PubKeyAlgoRSA, packet.PubKeyAlgoRSASignOnly:
			if bits, err := key.BitLength(); err != nil || bits < leastRSA {
				return refuse(Weak, "is signed with OpenPGP key %s, an RSA key of fewer than %d bits", fingerprint(entity), leastRSA)
			}
		case packet.PubKeyAlgoEdDSA, packet.PubKeyAlgoECDSA, packet.PubKeyAlgoEd25519, packet.PubKeyAlgoEd448:
		default:
			return refuse(Weak, "is signed with OpenPGP key %s, of an algorithm that is not accepted", fingerprint(entity))
		}
	}
	return nil
}
