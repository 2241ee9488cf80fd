package host

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"plumbline/actuators"
)

// link is what `ip -json -details link` says of one interface, as far as we read it.
type link struct {
	Index     int      `json:"ifindex"`
	Name      string   `json:"ifname"`
	Flags     []string `json:"flags"`
	MTU       int      `json:"mtu"`
	Address   string   `json:"address"`
	Permanent string   `json:"permaddr"` // when a bond lends another
	Info      struct {
		Kind string `json:"info_kind"`
	} `json:"linkinfo"`
}

// nics lists the cards of the machine. What has a kind was made by software; a veth counts because a container's and a
// laboratory's cards are such.
func nics(ctx context.Context, h actuators.Host, l *State) error {
	out, err := h.Run(ctx, actuators.Cmd{Argv: []string{"ip", "-json", "-details", "link"}})
	if err != nil {
		return fmt.Errorf("cannot list network interfaces: %w", err)
	}
	var links []link
	if err := json.Unmarshal(out.Stdout, &links); err != nil {
		return fmt.Errorf("cannot list network interfaces: %w", err)
	}
	l.Config.NICs = map[string]NIC{}
	for _, k := range links {
		if slices.Contains(k.Flags, "LOOPBACK") || k.Info.Kind != "" && k.Info.Kind != "veth" {
			continue
		}
		nic := NIC{MAC: strings.ToLower(k.Address), MTU: k.MTU, Carrier: slices.Contains(k.Flags, "LOWER_UP")}
		if k.Permanent != "" {
			nic.MAC = strings.ToLower(k.Permanent)
		}
		if nic.Carrier {
			nic.Speed = linkSpeed(h, k)
		}
		l.Config.NICs[k.Name] = nic
	}
	return nil
}

// linkSpeed reads sysfs, which shows the interfaces of the network namespace that mounted it: the index proves that it
// is ours.
func linkSpeed(h actuators.Host, k link) int {
	dir := "/sys/class/net/" + k.Name
	if index, err := word(h, dir+"/ifindex"); err != nil || index != strconv.Itoa(k.Index) {
		return 0
	}
	text, err := word(h, dir+"/speed")
	if err != nil {
		return 0 // the driver does not say
	}
	mbit, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return max(mbit, 0) // -1 is unknown
}
