package main

import (
	"plumbline/actuators/all"
	"plumbline/reconcile"
	"plumbline/testenv/sim"
)

// dialer reaches the hosts of a modelled datacenter when the controller's file names one; nil = the real hosts.
func (s *settings) dialer() reconcile.Dialer {
	if s.config.Model == "" {
		return nil
	}
	return sim.New(all.Registry(), sim.Options{Dir: s.config.Model}).Dial
}

// modelled is what a command says on screen before it speaks of a modelled datacenter.
func (s *settings) modelled() string {
	if s.config.Model == "" {
		return ""
	}
	return "This is a modelled datacenter, kept in " + s.config.Model + ": nothing real is looked at or changed.\n"
}
