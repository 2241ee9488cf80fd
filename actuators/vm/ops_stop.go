package vm

import (
	"context"

	"plumbline/actuators"
)

// StopChange sets how long the guest has to shut down. It stands beside the mark, because a removed VM has to be
// stopped when no spec tells it any more.
type StopChange struct {
	Ref
	Stop string `json:"stop"`
}

var setStop = actuators.Op[StopChange, string, State]{
	Name: "set-stop", Reversal: actuators.Exact,
	Capture: func(ctx context.Context, h actuators.Host, p StopChange) (string, error) {
		return captured(ctx, h, p.Ref, func(l State) string { return l.Config.Stop })
	},
	Do: func(ctx context.Context, h actuators.Host, p StopChange, _ string) error {
		return within(ctx, h, p.Ref, func(s *session) error { return s.note(ctx, p.Domain, p.Stop) })
	},
	Undo: func(ctx context.Context, h actuators.Host, p StopChange, before string) error {
		return within(ctx, h, p.Ref, func(s *session) error {
			if live := s.state.Config.Stop; !oneOf(live, p.Stop, before) {
				return actuators.Stuck("the time to stop of domain "+p.Domain, live, before)
			}
			return s.note(ctx, p.Domain, before)
		})
	},
	Predict: func(p StopChange, have *State) *State {
		return predict(have, func(c *Config) { c.Stop = p.Stop })
	},
}

// note rewrites the mark as it is, with another time to stop.
func (s *session) note(ctx context.Context, name, stop string) error {
	return s.SetMetadata(ctx, name, markPrefix, markURI, element(*s.mark, s.domain.UUID, stop))
}
