package reconcile

import (
	"encoding/json"
	"sync"

	"plumbline/reconcile/notify"
)

// news is what was told last of each topic, so that the same is not told again, not after a restart either.
type news struct {
	mu   sync.Mutex
	last map[string]string
}

// The topics.
const (
	newsOutcome = "outcome" // what came of a head
	newsFault   = "fault"   // why a head goes no further
	newsSource  = "source"  // why the source cannot be read

	newsSuspension = "suspension" // who stopped everything
	newsFreeze     = "freeze"     // which file did
)

const keyNews = "news/"

// stamp is a time in the ID of a notice.
const stamp = "20060102T150405.000000"

// tellNews tells what is new of a topic, in one commit with the words that it is known by; words "" are for nothing to tell. It
// says whether they are not those that were told last.
func (c *Controller) tellNews(topic, words string, notices ...notify.Notice) bool {
	c.news.mu.Lock()
	defer c.news.mu.Unlock()
	if c.news.last == nil {
		c.news.last = map[string]string{}
		if c.teller != nil {
			for key, data := range c.teller.State(keyNews) {
				var last string
				if json.Unmarshal(data, &last) == nil {
					c.news.last[key[len(keyNews):]] = last
				}
			}
		}
	}
	if c.news.last[topic] == words {
		return false
	}
	c.news.last[topic] = words
	if c.teller != nil {
		data, _ := json.Marshal(words) // a text always can be
		c.teller.Commit(map[string]json.RawMessage{keyNews + topic: data}, notices...)
	}
	return true
}
