"""The words of pages and mails in German; see `en`."""

TEXTS = {
    "language": "de",
    "direction": "ltr",
    "page.title.problem": "Nicht gespeichert: {title}",
    "page.foot": "Diese Seite fragt nie nach einem Passwort oder einer Kartennummer.",
    "title.label": "Worum es geht",
    "value.empty": "–",
    # Labels of the rows of orders and refunds.
    "label.Order": "Bestellung",
    "label.Amount": "Betrag",
    "label.Description": "Beschreibung",
    "label.Payment": "Zahlung",
    "label.Paid": "Bezahlt",
    "label.Refunded so far": "Bisher erstattet",
    "label.Other refunds in progress": "Andere laufende Erstattungen",
    "label.Disputed by the payer": "Vom Zahler bestritten",
    "label.Reason": "Grund",
    "person": "{name} ({address})",
    "people.two": "{first} und {last}",
    "people.more": "{first}, {last}",
    # Time.
    "left.days.other": "Noch {count} Tage",
    "left.hours.other": "Noch {count} Stunden",
    "left.minutes.one": "Noch {count} Minute",
    "left.minutes.other": "Noch {count} Minuten",
    "left.moment": "Noch unter einer Minute",
    # Attachments, on the review page and the result pages.
    "attachments": "Anhänge",
    "attachments.outside": "{host} · andere Website, neues Fenster",
    "attachments.unlinked": "Es gibt keinen sicheren Link zum Öffnen.",
    # The review page.
    "review.status": "Ihre Entscheidung ist gefragt",
    "review.until": "Bitte entscheiden Sie bis {moment}.",
    "review.requester": "Angefragt von",
    "on_behalf_of": "Im Namen von",
    "on_behalf_of.stated": "Im Namen von (nach Angabe des KI-Agenten)",
    # Words of AI agents.
    "agent": "KI-Agent {name}",
    "agent.written": "Vom KI-Agenten {name} geschrieben",
    "agent.quoted": "„{text}“",
    "review.submitted_by": "Eingereicht von",
    "review.others": "Ebenfalls gefragt",
    "review.progress": "Bisher",
    "review.progress.text": "{approvals} von {needed} Genehmigungen",
    "review.status.barred": "Hierüber entscheidet jemand anders",
    "review.voted.approve": "Sie haben die Anfrage am {moment} genehmigt.",
    "review.voted.reject": "Sie haben die Anfrage am {moment} abgelehnt.",
    "review.status.information": "Zu Ihrer Information",
    "review.status.returned": "Wartet auf die anfragende Person",
    "review.acknowledge": "Zur Kenntnis nehmen",
    "review.next.information": "Von Ihrer Antwort hängt nichts ab. Sie wird nur gespeichert.",
    "review.send_back": "Mit Frage zurückgeben",
    "review.send_back.add": "Rückfrage stellen",
    "review.send_back.hint": (
        "Oder fragen Sie zuerst: Schreiben Sie Ihre Frage in das Feld und geben Sie die Anfrage zurück. Niemand kann "
        "entscheiden, bevor die anfragende Person die Frage beantwortet oder die Anfrage geändert hat."
    ),
    "review.barred.returned": (
        "Niemand kann genehmigen oder ablehnen, bevor die anfragende Person die Frage beantwortet oder die Anfrage "
        "geändert hat. Dann erhalten Sie einen neuen Link. Die Frist bleibt gleich."
    ),
    "review.change": "Antwort ändern",
    "review.comment": "Kommentar",
    "review.comment.add.optional": "Kommentieren",
    "review.comment.add.required_on_reject": "Kommentieren (zum Ablehnen nötig)",
    "review.comment.hint": (
        "Wird mit Ihrer Entscheidung gespeichert. Höchstens {limit} Zeichen; mehr nimmt das Feld nicht an."
    ),
    "review.approve": "Genehmigen",
    "review.reject": "Ablehnen",
    "review.next": (
        "Wenn Sie genehmigen, geht es sofort weiter. Wenn Sie ablehnen, endet die Anfrage. Ihre Entscheidung ist "
        "endgültig."
    ),
    "review.next.shared": (
        "Auch andere sind gefragt. Bis genügend Personen entschieden haben, können Sie Ihre Antwort und"
        " Ihren Kommentar hier ändern."
    ),
    "review.owner": "Dieser Link ist für {recipient}: Eine Entscheidung hier wird in Ihrem Namen gespeichert.",
    "review.barred.own_request": (
        "Die Anfrage kommt von Ihnen oder wurde in Ihrem Namen gestellt. Deshalb muss jemand anders entscheiden."
    ),
    "review.barred.decides_elsewhere": (
        "Sie entscheiden über einen anderen Schritt dieser Anfrage. Über diesen muss jemand anders entscheiden."
    ),
    "review.barred.too_many_answers": (
        "Sie haben Ihre Antwort zu oft geändert und können sie hier nicht mehr ändern. Es gilt die letzte."
    ),
    "review.problem": "Noch ist nichts entschieden",
    "review.problem.comment_too_long": (
        "Ihr Kommentar hat {length} Zeichen; erlaubt sind höchstens {limit}. Bitte kürzen Sie ihn und"
        " entscheiden Sie erneut."
    ),
    "review.problem.comment_missing": (
        "Diese Entscheidung braucht einen Kommentar. Bitte nennen Sie den Grund und entscheiden Sie erneut."
    ),
    "review.problem.unknown_decision": "Bitte wählen Sie „Genehmigen“ oder „Ablehnen“.",
    "review.problem.returned": (
        "Ihre Antwort wurde nicht gespeichert: Die anfragende Person muss zuerst eine Frage beantworten. Danach "
        "erhalten Sie einen neuen Link."
    ),
    "review.problem.sent_back_too_often": (
        "Diese Anfrage kann nicht noch einmal zurückgegeben werden. Bitte genehmigen Sie sie oder lehnen Sie sie ab."
    ),
    "review.problem.details_changed": (
        "Die Angaben unten haben sich geändert, seit Sie diese Seite geöffnet haben. Bitte lesen Sie sie"
        " noch einmal, bevor Sie entscheiden."
    ),
    "review.instead_of": "Sie entscheiden anstelle von {person}.",
    "review.problem.delegation_no_address": "Das ist keine E-Mail-Adresse. Bitte prüfen Sie Ihre Eingabe.",
    "review.problem.delegation_requester": (
        "Sie können die Entscheidung nicht an die Person übergeben, die angefragt hat oder für die angefragt wurde."
    ),
    "review.problem.delegation_asked_already": "Diese Person ist schon beteiligt. Bitte wählen Sie jemand anderen.",
    "review.problem.delegation_outsider": (
        "Sie können die Entscheidung nur an jemanden aus Ihrer eigenen Organisation übergeben."
    ),
    "review.problem.delegation_answered": (
        "Sie haben schon geantwortet und können die Entscheidung nicht mehr übergeben. Ihre Antwort können Sie hier "
        "noch ändern."
    ),
    "review.problem.delegation_only_once": (
        "Die Entscheidung wurde schon an Sie übergeben. Sie können sie nicht noch einmal übergeben."
    ),
    "confirm.approve": "Diese Anfrage genehmigen?",
    "confirm.reject": "Diese Anfrage ablehnen?",
    "confirm.text": "Noch ist nichts entschieden. Bitte lesen Sie alles noch einmal, und bestätigen Sie dann.",
    "confirm.comment": "Ihr Kommentar",
    "confirm.approve.action": "Genehmigen",
    "confirm.reject.action": "Ablehnen",
    "confirm.back": "Nein, zurück",
    "delegate.problem": "Nicht übergeben",
    "delegate.heading": "Jemand anderem übergeben",
    "delegate.hint": (
        "Die andere Person erhält eine Nachricht mit einem eigenen Link und entscheidet für Sie. Bis sie geantwortet "
        "hat, können Sie die Übergabe zurücknehmen."
    ),
    "delegate.colleague": "E-Mail-Adresse der anderen Person",
    "delegate.action": "Übergeben",
    "delegate.confirm": "Ist das die richtige Adresse?",
    "delegate.confirm.text": "Diese Person erhält eine Nachricht mit einem eigenen Link und entscheidet für Sie.",
    "delegate.back": "Nein, zurück",
    "handed_over": "Jetzt entscheidet jemand anders",
    "handed_over.text": "Am {moment} wurde {person} gebeten, für Sie zu entscheiden.",
    "handed_over.next": "Für Sie gibt es nichts mehr zu tun. Sie können diese Seite schließen.",
    "handed_over.answered": (
        "Die andere Person hat geantwortet. Deshalb können Sie die Übergabe nicht mehr zurücknehmen. Sie können "
        "diese Seite schließen."
    ),
    "handed_over.back": (
        "Bis die andere Person geantwortet hat, können Sie die Übergabe zurücknehmen und selbst entscheiden."
    ),
    "handed_over.action": "Zurücknehmen",
    "taken_back": "Sie entscheiden wieder selbst",
    "taken_back.text": "{person} erhält eine Nachricht, dass der zugesandte Link nicht mehr gilt.",
    "taken_back.next": "Sie können jetzt entscheiden oder Ihren Link später wieder öffnen.",
    "taken_back.action": "Lesen und entscheiden",
    "replaced": "Sie werden nicht mehr gefragt",
    "replaced.text": "Am {moment} hat {person} die Übergabe zurückgenommen und entscheidet selbst.",
    "replaced.next": "Für Sie gibt es nichts mehr zu tun. Sie können diese Seite schließen.",
    "reassigned": "Sie werden nicht mehr gefragt",
    "reassigned.text": "Am {moment} wurde {person} gebeten, an Ihrer Stelle zu entscheiden.",
    "reassigned.next": "Für Sie gibt es nichts mehr zu tun. Sie können diese Seite schließen.",
    "inbox.offer": "Warten noch andere Anfragen auf Sie?",
    "inbox.offer.action": "Liste per E-Mail senden",
    "inbox": "Wartet auf Ihre Entscheidung",
    "inbox.owner": "Diese Anfragen warten auf {recipient}.",
    "inbox.empty": "Nichts wartet auf Sie.",
    "inbox.full": "Die Liste zeigt die {count} Anfragen mit der kürzesten Frist.",
    "inbox.answered": "Sie haben geantwortet. Diese Anfrage wartet nun auf andere.",
    "inbox.tick": "Auswählen",
    "inbox.tick.name": "Auswählen: {title}",
    "inbox.alone": "Öffnen Sie diese Anfrage, um darüber zu entscheiden.",
    "inbox.batch.next": "Wählen Sie bis zu {limit} Anfragen. Über jede wird einzeln entschieden, ohne Kommentar.",
    "inbox.batch.approve": "Auswahl genehmigen",
    "inbox.batch.reject": "Auswahl ablehnen",
    "inbox.problem.none": "Bitte wählen Sie mindestens eine Anfrage.",
    "inbox.problem.too_many": "Bitte wählen Sie höchstens {limit} Anfragen.",
    "inbox.problem.unknown_decision": "Bitte wählen Sie eine der beiden Schaltflächen.",
    "batch": "Ihre Antworten",
    "batch.all": "Alle Ihre Antworten sind gespeichert.",
    "batch.some": "Ein Teil Ihrer Antworten ist gespeichert, ein Teil nicht. Die Liste nennt den Grund.",
    "batch.none": "Keine Ihrer Antworten ist gespeichert. Die Liste nennt den Grund.",
    "batch.back": "Zurück zu Ihrer Liste",
    "batch.decided.approved": "Genehmigt.",
    "batch.decided.rejected": "Abgelehnt.",
    "batch.voted.approve": "Sie haben genehmigt. Auch andere werden gefragt.",
    "batch.voted.reject": "Sie haben abgelehnt. Auch andere werden gefragt.",
    "batch.decided_otherwise": "Nicht gespeichert: Über diese Anfrage wurde schon entschieden.",
    "batch.closed": "Nicht gespeichert: Diese Anfrage ist geschlossen.",
    "batch.handed_on": "Nicht gespeichert: Darüber entscheidet jetzt jemand anders.",
    "batch.details_changed": (
        "Nicht gespeichert: Die Angaben haben sich geändert. Öffnen Sie die Anfrage, um sie zu lesen."
    ),
    "batch.returned": "Nicht gespeichert: Diese Anfrage wartet auf eine Antwort der anfragenden Person.",
    "batch.open": "Nicht gespeichert. Öffnen Sie die Anfrage, um darüber zu entscheiden.",
    "batch.unknown": "Nicht gespeichert: Diese Anfrage wartet nicht auf Sie.",
    "batch.later": "Nicht gespeichert: Bitte versuchen Sie es in einer Minute erneut.",
    "next": "Als Nächstes:",
    "next.many": "Viele weitere Anfragen warten auf Sie.",
    "next.waiting.one": "{count} weitere Anfrage wartet auf Sie.",
    "next.waiting.other": "{count} weitere Anfragen warten auf Sie.",
    "inbox.sent": "Bitte prüfen Sie Ihr E-Mail-Postfach",
    "inbox.sent.text": "Wir haben {person} einen Link zur Liste aller wartenden Anfragen gesendet.",
    "inbox.sent.next": "Sie können diese Seite schließen oder zurückgehen und entscheiden.",
    "problem.inbox_expired": "Dieser Link ist abgelaufen",
    "problem.inbox_expired.text": "Zu Ihrer Sicherheit gilt der Link zu Ihrer Liste nur 24 Stunden.",
    "problem.inbox_expired.next": (
        "Öffnen Sie den Link in einer E-Mail zu einer Anfrage, die noch wartet. Am Ende der Seite können Sie"
        " eine neue Liste anfordern."
    ),
    "problem.too_many_lists": "Keine weiteren Listen von dieser Seite",
    "problem.too_many_lists.text": (
        "Diese Seite hat Ihnen Ihre Liste schon 20-mal gesendet. Es wurde keine weitere E-Mail gesendet."
    ),
    "problem.too_many_lists.next": (
        "Verwenden Sie die neueste dieser E-Mails, oder fordern Sie die Liste auf der Seite einer anderen Anfrage an."
    ),
    # The result pages.
    "decided.thanks.approved": "Danke. Sie haben die Anfrage genehmigt.",
    "decided.thanks.rejected": "Danke. Sie haben die Anfrage abgelehnt.",
    "returned": "Wartet auf die anfragende Person",
    "returned.own": "Danke. Sie haben die Anfrage zurückgegeben.",
    "returned.text": (
        "Wenn {person} die Frage beantwortet oder die Anfrage geändert hat, erhalten Sie einen neuen Link. Die Frist "
        "bleibt: {moment}."
    ),
    "decided.thanks.acknowledged": "Danke. Sie haben dies zur Kenntnis genommen.",
    "decided.own.acknowledged": "Sie haben dies zur Kenntnis genommen",
    "decided.next.acknowledged": "Es ist gespeichert. Sie können diese Seite schließen.",
    "decided.own.approved": "Sie haben die Anfrage genehmigt",
    "decided.own.rejected": "Sie haben die Anfrage abgelehnt",
    "decided.on": "Ihre Antwort wurde am {moment} gespeichert.",
    "decided.approved": "Diese Anfrage wurde genehmigt",
    "decided.rejected": "Diese Anfrage wurde abgelehnt",
    "decided.outvoted.approve": "Sie haben sie genehmigt, aber andere haben entschieden.",
    "decided.outvoted.reject": "Sie haben sie abgelehnt, aber andere haben entschieden.",
    "decided.by.approved": "Genehmigt am {moment} von {people}.",
    "decided.by.rejected": "Abgelehnt am {moment} von {people}.",
    "decided.before.by.approved": "Schon vor Ihnen genehmigt: am {moment} von {people}.",
    "decided.before.by.rejected": "Schon vor Ihnen abgelehnt: am {moment} von {people}.",
    "decided.before.own.approve": "Sie haben sie am {moment} genehmigt; das gilt weiter.",
    "decided.before.own.reject": "Sie haben sie am {moment} abgelehnt; das gilt weiter.",
    "decided.next.approved": "Es geht jetzt weiter. Sie können diese Seite schließen.",
    "decided.next.rejected": "Die Anfrage endet jetzt. Sie können diese Seite schließen.",
    "decided.nothing": "Für Sie gibt es nichts mehr zu tun. Sie können diese Seite schließen.",
    "decided.owner": "Dieser Link ist für {recipient}.",
    "lost.approve": "Ihre Genehmigung wurde nicht gespeichert",
    "lost.reject": "Ihre Ablehnung wurde nicht gespeichert",
    "lost.return": "Ihre Frage wurde nicht gespeichert",
    "lost.comment": "Ihr Kommentar, der nicht gespeichert wurde",
    "recorded.missing.one": "Noch ist nichts entschieden: Es fehlt noch eine Genehmigung.",
    "recorded.missing.other": "Noch ist nichts entschieden: Es fehlen noch {count} Genehmigungen.",
    "recorded.waiting": "Noch ohne Antwort: {people}.",
    "recorded.next": "Bis zur Entscheidung können Sie Ihre Antwort ändern: Öffnen Sie dazu Ihren Link erneut.",
    "trail": "Was geschehen ist",
    "trail.asked": "{by} hat {to} um eine Entscheidung gebeten.",
    "trail.asked.unnamed": "Um eine Entscheidung gebeten: {to}.",
    "trail.asked_by_agent": "KI-Agent {by} hat {to} um eine Entscheidung gebeten.",
    "trail.delegated": "{by} hat die Entscheidung an {to} übergeben.",
    "trail.stood_in": "{by} ist abwesend. {to} entscheidet stattdessen.",
    "trail.taken_back": "{to} hat die Übergabe an {by} zurückgenommen.",
    "trail.reassigned": "{to} entscheidet anstelle von {by}.",
    "trail.approve": "{by} hat genehmigt.",
    "trail.reject": "{by} hat abgelehnt.",
    "trail.returned": "{by} hat die Anfrage mit einer Frage zurückgegeben.",
    "trail.answered": "{by} hat geantwortet.",
    "trail.revised": "{by} hat die Anfrage geändert. Alle müssen neu entscheiden.",
    "trail.approved": "Die Anfrage wurde genehmigt.",
    "trail.rejected": "Die Anfrage wurde abgelehnt.",
    "trail.expired": "Die Frist ist abgelaufen.",
    "trail.withdrawn": "{by} hat die Anfrage zurückgezogen.",
    "trail.withdrawn.unnamed": "Die Anfrage wurde zurückgezogen.",
    "trail.ended": "Der Vorgang hinter der Anfrage ist beendet.",
    "closed.expired": "Die Frist ist abgelaufen",
    "closed.expired.text": "Bis {moment} wurde nichts entschieden. Deshalb ist diese Anfrage geschlossen.",
    "closed.expired.next": (
        "Falls die Entscheidung noch gebraucht wird, muss die anfragende Person eine neue Anfrage stellen."
    ),
    "closed.withdrawn": "Diese Anfrage wurde zurückgezogen",
    "closed.withdrawn.text": "Sie wurde am {moment} zurückgezogen, bevor entschieden wurde.",
    "closed.withdrawn.by": "{person} hat sie am {moment} zurückgezogen, bevor etwas entschieden wurde.",
    "closed.withdrawn.next": "Für Sie gibt es nichts mehr zu tun. Sie können diese Seite schließen.",
    "closed.because": "Grund",
    "closed.ended": "Diese Anfrage ist beendet",
    "closed.ended.text": "Der Vorgang dahinter endete am {moment}, bevor entschieden wurde.",
    "closed.ended.next": "Sie müssen nichts tun. Bei Fragen wenden Sie sich an die anfragende Person.",
    # The page of the requester.
    "request.open": "Wartet auf eine Entscheidung",
    "request.open.text": "Entschieden wird bis {moment}. Sie erhalten eine Nachricht, sobald entschieden ist.",
    "request.returned": "Bitte beantworten Sie eine Frage",
    "request.returned.text": (
        "Niemand kann entscheiden, bevor Sie antworten. Die Frist für die Entscheidung bleibt {moment}."
    ),
    "request.approved": "Ihre Anfrage wurde genehmigt",
    "request.approved.text": "Entschieden wurde am {moment}.",
    "request.continues.text": (
        "Über diesen Schritt wurde am {moment} entschieden. Jetzt wird die nächste Person gefragt."
    ),
    "request.rejected": "Ihre Anfrage wurde abgelehnt",
    "request.rejected.text": "Entschieden wurde am {moment}. Wenn nötig, stellen Sie eine neue Anfrage.",
    "request.expired": "Über Ihre Anfrage wurde nicht rechtzeitig entschieden",
    "request.expired.text": "Bis {moment} hat niemand entschieden. Wenn nötig, stellen Sie eine neue Anfrage.",
    "request.withdrawn": "Ihre Anfrage wurde zurückgezogen",
    "request.withdrawn.text": "Sie wurde am {moment} zurückgezogen, bevor entschieden wurde.",
    "request.withdrawn.own": "Sie haben Ihre Anfrage zurückgezogen",
    "request.withdrawn.own.text": "Sie haben sie am {moment} zurückgezogen. Niemand kann mehr darüber entscheiden.",
    "request.ended": "Ihre Anfrage ist beendet",
    "request.ended.text": "Der Vorgang endete am {moment}, bevor entschieden wurde.",
    "request.thanks.answer": "Danke. Ihre Antwort ist gespeichert.",
    "request.thanks.revise": "Danke. Ihre Anfrage wurde geändert.",
    "request.asked": "{person} fragt",
    "request.owner": "Dieser Link ist für {recipient}. Was Sie hier tun, wird in Ihrem Namen gespeichert.",
    "request.answer": "Antwort senden",
    "request.answer.comment": "Ihre Antwort",
    "request.revise": "Änderung senden",
    "request.revise.heading": "Stattdessen die Anfrage ändern",
    "request.revise.comment": "Hinweis für die Entscheidenden (optional)",
    "request.withdraw": "Anfrage zurückziehen",
    "request.withdraw.heading": "Stattdessen die Anfrage zurückziehen",
    "request.withdraw.comment": "Grund (optional)",
    "request.field.title": "Titel",
    "request.field.amount": "Betrag",
    "request.field.rows": "Einzelheiten",
    "request.field.attachments": "Anhänge",
    "request.fields": "Alle Felder",
    "request.amount.hint": "Mit Punkt statt Komma, etwa 250.00. Der Betrag kann nur kleiner werden.",
    "request.amount": "Betrag in {currency}",
    "request.attachments": "Anhänge",
    "request.attachments.hint": "Je Zeile einer: sein Name, ein Leerzeichen und sein https-Link.",
    "request.problem": "Noch ist nichts gespeichert",
    "request.problem.contract": (
        "Bitte prüfen Sie diese Felder: {fields}. Ein Link muss eine vollständige https-Adresse sein."
    ),
    "request.problem.comment_missing": "Bitte schreiben Sie Ihre Antwort.",
    "request.problem.comment_too_long": (
        "Ihr Text hat {length} Zeichen; erlaubt sind höchstens {limit}. Bitte kürzen Sie ihn."
    ),
    "request.problem.details_changed": (
        "Die Anfrage hat sich geändert, seit Sie diese Seite geöffnet haben. Bitte lesen Sie sie neu."
    ),
    "request.problem.not_returned": (
        "Niemand wartet mehr auf eine Antwort. Diese Seite zeigt, wie es um die Anfrage steht."
    ),
    "request.problem.unknown_action": "Bitte wählen Sie eine der Schaltflächen.",
    "request.problem.too_late": "Es war zu spät: Diese Seite zeigt, wie die Anfrage ausgegangen ist.",
    "request.problem.unchanged": "Sie haben nichts geändert. Ändern Sie die Anfrage, oder beantworten Sie die Frage.",
    "request.problem.later_level": (
        "Jemand hat die Anfrage schon so genehmigt. Beantworten Sie die Frage, oder ziehen Sie die Anfrage zurück."
    ),
    "request.problem.fixed_row": (
        "Eine dieser Angaben lässt sich nicht ändern. Ziehen Sie die Anfrage zurück und stellen Sie eine neue."
    ),
    "request.problem.currency": (
        "Die Währung lässt sich nicht ändern. Ziehen Sie die Anfrage zurück und stellen Sie eine neue."
    ),
    "request.problem.raised": (
        "Der Betrag kann nur kleiner werden. Ziehen Sie die Anfrage zurück und stellen Sie eine neue."
    ),
    "request.problem.policy_row": (
        "Für diesen Betrag gelten andere Regeln. Ziehen Sie die Anfrage zurück und stellen Sie eine neue."
    ),
    # Error pages.
    "problem.status_expired": "Dieser Link ist abgelaufen",
    "problem.status_expired.text": "Er galt bis 30 Tage nach dem Ende der Anfrage.",
    "problem.status_expired.next": "Wenn Sie mehr brauchen, wenden Sie sich an die Systembetreuung.",
    "problem.unknown_link": "Dieser Link ist ungültig",
    "problem.unknown_link.text": (
        "Zu diesem Link gibt es keine Anfrage. Vielleicht wurde er beim Kopieren abgeschnitten."
    ),
    "problem.unknown_link.next": (
        "Öffnen Sie den Link in Ihrer E-Mail erneut. Wenn Sie ihn kopieren, kopieren Sie ihn ganz."
    ),
    "problem.unknown_path": "Unter dieser Adresse gibt es keine Seite",
    "problem.unknown_path.text": "Die Adresse ist vielleicht unvollständig oder veraltet. Es wurde nichts gespeichert.",
    "problem.unknown_path.next": (
        "Öffnen Sie den Link in Ihrer E-Mail erneut. Wenn Sie ihn kopieren, kopieren Sie ihn ganz."
    ),
    "problem.cross_site": "Ihre Antwort wurde nicht angenommen",
    "problem.cross_site.text": "Sie kam von einer anderen Website. Deshalb zählt sie nicht. Es ist nichts entschieden.",
    "problem.cross_site.next": (
        "Öffnen Sie den Link aus Ihrer E-Mail erneut und antworten Sie auf der Seite, die er zeigt."
    ),
    "problem.own_request": "Jemand anders muss entscheiden",
    "problem.own_request.text": (
        "Die Anfrage kommt von Ihnen oder wurde in Ihrem Namen gestellt. Deshalb zählt Ihre Antwort nicht. Es ist "
        "nichts entschieden."
    ),
    "problem.own_request.next": "Für Sie gibt es nichts mehr zu tun. Die anderen haben eigene Links.",
    "problem.decides_elsewhere": "Jemand anders muss entscheiden",
    "problem.decides_elsewhere.text": (
        "Sie entscheiden über einen anderen Schritt dieser Anfrage. Deshalb zählt Ihre Antwort hier nicht. Es ist "
        "nichts entschieden."
    ),
    "problem.decides_elsewhere.next": (
        "Falls sonst niemand gefragt wurde, bitten Sie die anfragende Person, jemand anderen zu fragen."
    ),
    "problem.bad_request": "Ihre Antwort war nicht lesbar",
    "problem.bad_request.text": "Sie kam unvollständig an. Deshalb zählt sie nicht. Es ist nichts entschieden.",
    "problem.bad_request.next": "Öffnen Sie den Link aus Ihrer E-Mail erneut und entscheiden Sie dort.",
    "problem.too_large": "Ihre Antwort ist zu lang",
    "problem.too_large.text": "Sie ist länger als erlaubt. Deshalb zählt sie nicht. Es ist nichts entschieden.",
    "problem.too_large.next": "Öffnen Sie den Link aus Ihrer E-Mail erneut und schreiben Sie einen kürzeren Kommentar.",
    "problem.try_again": "Bitte versuchen Sie es in einer Minute erneut",
    "problem.try_again.text": (
        "Auf unserer Seite hat etwas zu lange gedauert. Soweit wir wissen, wurde nichts gespeichert. Ihr"
        " Link gilt weiter."
    ),
    "problem.try_again.next": "Öffnen Sie den Link aus Ihrer E-Mail erneut: Die Seite zeigt den aktuellen Stand.",
    "problem.too_many": "Zu viele Anfragen",
    "problem.too_many.text": (
        "Aus Ihrem Netz kamen innerhalb einer Minute zu viele Anfragen. Es wurde nichts gespeichert."
    ),
    "problem.too_many.next.one": "Ihr Link gilt weiter: Bitte versuchen Sie es in einer Sekunde erneut.",
    "problem.too_many.next.other": "Ihr Link gilt weiter: Bitte versuchen Sie es in {count} Sekunden erneut.",
    # Mail.
    "mail.subject.requested": "Bitte entscheiden: {title}",
    "mail.subject.reminder": "Erinnerung ({left}): {title}",
    "mail.subject.answered": "Beantwortet, bitte entscheiden: {title}",
    "mail.subject.revised": "Geändert, bitte entscheiden: {title}",
    "mail.subject.escalated": "An Sie weitergeleitet, bitte entscheiden: {title}",
    "mail.subject.both": "{first} · {last}",
    "mail.subject.stage": "[{stage}] {subject}",
    "mail.intro.requested": "{requester} bittet Sie um eine Entscheidung.",
    "mail.intro.reminder": "{requester} wartet auf Ihre Entscheidung. {left}.",
    "mail.intro.answered": "{requester} hat eine Frage zu dieser Anfrage beantwortet. Die Antwort steht auf der Seite.",
    "mail.intro.revised": (
        "{requester} hat diese Anfrage geändert. Frühere Antworten zählen nicht mehr: Bitte entscheiden Sie."
    ),
    "mail.intro.escalated": (
        "{requester} hat eine Anfrage gestellt, die noch niemand entschieden hat. Sie wurde an Sie weitergeleitet."
    ),
    "mail.subject.approved": "Genehmigt: {title}",
    "mail.subject.rejected": "Abgelehnt: {title}",
    "mail.subject.expired": "Nicht rechtzeitig entschieden: {title}",
    "mail.subject.withdrawn": "Zurückgezogen: {title}",
    "mail.intro.approved": "Ihre Anfrage wurde genehmigt.",
    "mail.intro.rejected": "Ihre Anfrage wurde abgelehnt.",
    "mail.intro.expired": "Über Ihre Anfrage hat niemand rechtzeitig entschieden. Sie ist nun geschlossen.",
    "mail.intro.withdrawn": "Ihre Anfrage wurde zurückgezogen, bevor entschieden wurde.",
    "mail.subject.returned": "Bitte antworten: {title}",
    "mail.intro.returned": (
        "Ihre Anfrage kam mit einer Frage zu Ihnen zurück. Niemand kann entscheiden, bevor Sie antworten."
    ),
    "mail.returned.by": "Gefragt von",
    "mail.returned.comment": "Die Frage",
    "mail.returned.until": "Antworten bis",
    "mail.returned.action": "Lesen und antworten",
    "mail.returned.action.text": (
        "Beantworten Sie auf dieser Seite die Frage, ändern Sie Ihre Anfrage oder ziehen Sie sie zurück:"
    ),
    "mail.returned.personal": (
        "Dieser Link ist persönlich für {recipient}: Was damit geschieht, wird in Ihrem Namen gespeichert. Bitte "
        "leiten Sie ihn nicht weiter."
    ),
    "mail.returned.safe": (
        "Das Öffnen der Seite ändert nichts. Die Frist bleibt gleich. Bitte antworten Sie deshalb bald."
    ),
    "mail.outcome.by": "Entschieden von",
    "mail.outcome.comment": "Kommentar",
    "mail.outcome.until": "Link gilt bis",
    "mail.outcome.action": "Ihre Anfrage ansehen",
    "mail.outcome.action.text": "Auf dieser Seite sehen Sie Ihre Anfrage, was entschieden wurde, von wem und wann:",
    "mail.outcome.personal": "Dieser Link ist persönlich für {recipient}. Bitte leiten Sie ihn nicht weiter.",
    "mail.outcome.safe": "Sie müssen nichts tun.",
    "mail.instead_of": "Sie werden anstelle von {person} gefragt.",
    "mail.subject.moot": "Wartet nicht mehr auf Sie: {title}",
    "mail.moot.withdrawn": "Diese Anfrage wurde zurückgezogen, bevor entschieden wurde.",
    "mail.moot.taken_back": "{person} hat die Übergabe an Sie zurückgenommen und entscheidet selbst.",
    "mail.moot.reassigned": "{person} wurde gebeten, an Ihrer Stelle über diese Anfrage zu entscheiden.",
    "mail.moot.next": (
        "Mit unserem früheren Link können Sie nicht mehr entscheiden. Für Sie gibt es nichts mehr zu tun."
    ),
    "mail.subject.inbox": "Anfragen, die auf Ihre Entscheidung warten",
    "mail.inbox.intro": "Sie haben die Liste aller Anfragen angefordert, die auf Ihre Entscheidung warten.",
    "mail.inbox.action": "Meine Liste öffnen",
    "mail.inbox.until": "Dieser Link gilt bis {moment}.",
    "mail.inbox.personal": (
        "Er ist persönlich für {recipient}: Entscheidungen damit werden in Ihrem Namen gespeichert. Bitte leiten Sie "
        "ihn nicht weiter."
    ),
    "mail.row": "{label}: {value}",
    "mail.attachments": "Anhänge (auf der Seite zu öffnen)",
    "mail.attachments.more": "{first}; {last}",
    "mail.requester": "Angefragt von",
    "mail.others": "Ebenfalls gefragt",
    "mail.rule": "Wer entscheidet",
    "mail.rule.any": "Wer von Ihnen zuerst antwortet, entscheidet",
    "mail.rule.all": "Alle {voters} müssen genehmigen",
    "mail.rule.quorum": "{needed} von {voters} müssen genehmigen",
    "mail.rule.in_order": "Nacheinander: Sie sind Nummer {level} von {levels}",
    "mail.trail.commented": "{said} „{comment}“",
    "mail.until": "Entscheiden bis",
    "mail.preheader": "{requester} fragt an. Bitte entscheiden Sie bis {moment}.",
    # Messages in Slack.
    "slack.more": "Die Seite zeigt mehr.",
    "slack.closed.approved": "Diese Anfrage wurde genehmigt. Für Sie gibt es nichts mehr zu tun.",
    "slack.closed.rejected": "Diese Anfrage wurde abgelehnt. Für Sie gibt es nichts mehr zu tun.",
    "slack.closed.expired": "Niemand hat rechtzeitig entschieden. Für Sie gibt es nichts mehr zu tun.",
    "slack.closed.cancelled": "Diese Anfrage wurde zurückgezogen. Für Sie gibt es nichts mehr zu tun.",
    "slack.closed.moot": "Sie werden hierzu nicht mehr gefragt. Für Sie gibt es nichts mehr zu tun.",
    "mail.why": "Sie erhalten diese Nachricht, weil Sie in einer Anfrage in {name} genannt sind.",
    "mail.clipped": "{text} … (der Rest steht auf der Seite)",
    "mail.action": "Lesen und entscheiden",
    "mail.action.text": "Lesen Sie die Angaben auf dieser Seite. Genehmigen Sie dann, oder lehnen Sie ab:",
    "mail.personal": (
        "Dieser Link ist persönlich für {recipient}: Eine Entscheidung damit wird in Ihrem Namen gespeichert. Bitte "
        "leiten Sie ihn nicht weiter."
    ),
    "mail.safe": "Das Öffnen der Seite entscheidet nichts. Sie entscheiden mit den Schaltflächen auf der Seite.",
    "mail.stage": "Diese Nachricht kommt vom System {stage}, nicht aus dem Echtbetrieb.",
}
