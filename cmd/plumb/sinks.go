package main

import (
	"context"
	"fmt"
	"time"

	"plumbline/reconcile"
	"plumbline/reconcile/notify"
	"plumbline/sources/forge"
)

// sinks are where notices go: the log always, and what the configuration names. A secret that cannot be read is told at the
// start, and not when something is on fire.
func (s *settings) sinks(box *notify.Outbox) ([]notify.Sink, error) {
	sinks := []notify.Sink{notify.Log{Logger: s.log}}
	for n, wanted := range s.config.Sinks {
		sink, err := s.sink(wanted, box)
		if err != nil {
			return nil, fmt.Errorf("%s: sinks.%d: %w", s.configFile, n, err)
		}
		sinks = append(sinks, sink)
	}
	return sinks, nil
}

func (s *settings) sink(wanted reconcile.Sink, box *notify.Outbox) (notify.Sink, error) {
	secrets := s.config.Secrets
	key, err := wanted.Key.Open(secrets)
	if err != nil {
		return nil, err
	}
	token, err := wanted.Token.Open(secrets)
	if err != nil {
		return nil, err
	}
	at := func(h reconcile.Hidden) (notify.Webhook, error) {
		address, err := h.Open(secrets)
		return notify.Webhook{URL: address, Key: key, Bearer: token}, err
	}
	switch {
	case wanted.File != "":
		return &notify.File{Path: wanted.File}, nil
	case wanted.Slack.There():
		hook, err := at(wanted.Slack)
		return &notify.Slack{Webhook: hook}, err
	case wanted.Alertmanager.There():
		hook, err := at(wanted.Alertmanager)
		return &notify.Alertmanager{Webhook: hook, Now: time.Now}, err
	case wanted.Status != "":
		return statuses(wanted, token, box)
	}
	hook, err := at(wanted.Webhook)
	return &hook, err
}

// statuses is the sink that sets statuses on the commits of a project.
func statuses(wanted reconcile.Sink, token string, box *notify.Outbox) (notify.Sink, error) {
	project, err := forge.ParseProject(forge.Kind(wanted.Forge), wanted.Status)
	if err != nil {
		return nil, err
	}
	client, err := project.Open(token)
	if err != nil {
		return nil, err
	}
	return &notify.Commits{Name: project.Base + "/" + project.Path, Open: box.Open, Report: func(ctx context.Context, commit, state, about, text string) error {
		return client.Report(ctx, commit, forge.Status{Context: about, State: forge.State(state), Description: text})
	}}, nil
}
