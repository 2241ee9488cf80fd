package nft

import (
	"context"
	"fmt"
	"strings"

	"plumbline/actuators"
)

const bootID = "/proc/sys/kernel/random/boot_id"

// Stamp is the generation of the ruleset of this network namespace since this boot.
func Stamp(ctx context.Context, h actuators.Host, _ actuators.Scope) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("cannot stamp nftables: %w", err)
	}
	boot, err := h.ReadFile(bootID)
	if err != nil {
		return "", fmt.Errorf("cannot tell the boot: %w", err)
	}
	c, err := open()
	if err != nil {
		return "", err
	}
	now, err := generation(c.Conn)
	c.leave(err != nil)
	return fmt.Sprintf("%s/%d.%d/%d", strings.TrimSpace(string(boot)), c.namespace.dev, c.namespace.ino, now), err
}

// StampServices is Stamp with how the switches of forwarding stand; empty when that alone does not tell what they halt.
func StampServices(ctx context.Context, h actuators.Host, sc actuators.Scope) (string, error) {
	now, err := readForwarding()
	if err != nil || now.word() == "" {
		return "", err
	}
	stamp, err := Stamp(ctx, h, sc)
	return stamp + "/" + now.word(), err
}
