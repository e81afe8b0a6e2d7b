(* Maximum cut -> Lipschitz constant. In words: maxcut.md, section "Checked by a machine". *)
From mathcomp Require Import all_ssreflect all_algebra.
From Lipverify Require Import Arith Networks Norms Regions.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import Order.TTheory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Secants.
Variable R : realFieldType.
Add Ring Rring : (ring_laws R).

Lemma reluE (z : R) : relu z = if 0 <= z then z else 0.
Proof. by rewrite /relu /bend mul1r mul0r. Qed.

(* A difference of ReLUs is a fraction of the difference. *)
Lemma relu_secant (a b : R) : exists t, 0 <= t <= 1 /\ relu a - relu b = t * (a - b).
Proof.
wlog: a b / b <= a => [main|ba].
  have [/main//|/ltW/main[t [t01 e]]] := leP b a.
  by exists t; split=> //; rewrite -opprB e -mulrN opprB.
rewrite !reluE; have [b0|b0] := leP 0 b.
  by exists 1; rewrite (le_trans b0 ba) mul1r lexx ler01.
have [a0|a0] := leP 0 a; last by exists 0; rewrite mul0r subrr lexx ler01.
have ab : 0 < a - b by rewrite subr_gt0 (lt_le_trans b0).
exists (a / (a - b)); rewrite divr_ge0 ?(ltW ab) // ler_pdivr_mulr // mul1r divfK ?gt_eqF // subr0.
by split=> //=; rewrite ler_addl oppr_ge0 ltW.
Qed.

Lemma square_convex (t p q : R) : 0 <= t -> t <= 1 -> ((1 - t) * p + t * q) ^+ 2 <= (1 - t) * p ^+ 2 + t * q ^+ 2.
Proof.
move=> t0 t1; rewrite -subr_ge0.
have -> : (1 - t) * p ^+ 2 + t * q ^+ 2 - ((1 - t) * p + t * q) ^+ 2 = t * (1 - t) * (p - q) ^+ 2 by mc_ring R.
by apply: mulr_ge0 (sqr_ge0 _); apply: mulr_ge0; rewrite ?subr_ge0.
Qed.

(* A function on the cube that is convex in each coordinate is at most its largest value at a vertex. *)
Definition update n (t : {ffun 'I_n -> R}) j (c : R) : {ffun 'I_n -> R} := [ffun i => if i == j then c else t i].
Definition vertex n (s : {ffun 'I_n -> bool}) : {ffun 'I_n -> R} := [ffun i => (s i)%:R].

Lemma cube_vertices n (G : {ffun 'I_n -> R} -> R) (c : R) :
  (forall (t : {ffun 'I_n -> R}) j, 0 <= t j <= 1 -> G t <= (1 - t j) * G (update t j 0) + t j * G (update t j 1)) ->
  (forall s, G (vertex s) <= c) -> forall t : {ffun 'I_n -> R}, (forall i, 0 <= t i <= 1) -> G t <= c.
Proof.
move=> conv at_vertices t t01.
have : forall i, i \notin enum 'I_n -> t i \in [:: 0; 1] by move=> i; rewrite mem_enum.
elim: (enum 'I_n) t t01 => [|j js IH] t t01 whole.
  have -> : t = vertex [ffun i => t i == 1].
    apply/ffunP=> i; rewrite !ffunE; have := whole i isT; rewrite !inE => /orP[] /eqP->; rewrite ?eqxx //.
    by rewrite eq_sym oner_eq0.
  exact: at_vertices.
have step d : d \in [:: 0; 1] -> G (update t j d) <= c.
  move=> d01; apply: IH => i; rewrite ffunE; case: eqP => // ij.
    by move: d01; rewrite !inE => /orP[] /eqP->; rewrite ?lexx ?ler01.
  by move=> i_out; apply: whole; rewrite inE negb_or i_out andbT; apply/eqP.
apply: le_trans (conv t j (t01 j)) _; have /andP[tj0 tj1] := t01 j.
have -> : c = (1 - t j) * c + t j * c by mc_ring R.
by rewrite ler_add // ler_wpmul2l ?subr_ge0 // step // !inE eqxx ?orbT.
Qed.

End Secants.

Section MaxCut.
Variable R : realFieldType.
Add Ring Rring2 : (ring_laws R).

(* A graph on n vertices with m edges: edge e joins src e and tgt e, and its column of the incidence matrix has the
   entry a e at src e and - a e at tgt e. *)
Variables (n m : nat) (src tgt : 'I_m -> 'I_n) (a : 'I_m -> R).
Hypotheses (no_loops : forall e, src e != tgt e) (a_neq0 : forall e, a e != 0).

Definition incidence : 'M[R]_(n, m) := \matrix_(v, e) (a e * ((v == src e)%:R - (v == tgt e)%:R)).

(* f(x) = sum over v of relu((B x)_v). *)
Definition graph_network : net R 1 m := Hidden incidence 0 0 (const_mx 1) (Output (const_mx 1) 0).

Definition pattern_of (s : {ffun 'I_n -> bool}) : pattern graph_network := (s, tt).

(* Cuts. *)
Definition crosses (s : {ffun 'I_n -> bool}) e : bool := s (src e) != s (tgt e).
Definition cut (w : 'I_m -> R) (s : {ffun 'I_n -> bool}) : R := \sum_(e | crosses s e) w e.
Definition maximum_cut (w : 'I_m -> R) : R := \big[Num.max/0]_(s : {ffun 'I_n -> bool}) cut w s.

Lemma cut_le_maximum w s : cut w s <= maximum_cut w.
Proof.
rewrite /maximum_cut; elim: (index_enum _) (mem_index_enum s) => // s' l IH; rewrite in_cons big_cons le_maxr.
by case/orP=> [/eqP-> |/IH->]; rewrite ?lexx ?orbT.
Qed.

Lemma maximum_cut_reached w : (forall e, 0 <= w e) -> exists s, cut w s = maximum_cut w.
Proof.
move=> w0; rewrite /maximum_cut.
elim: (index_enum _) => [|s l [s' es']]; first by exists [ffun => true]; rewrite big_nil /cut big1 // => e; rewrite /crosses !ffunE.
by rewrite big_cons -es'; case: (leP (cut w s) (cut w s')) => _; [exists s' | exists s].
Qed.

(* (i) The gradient on the cell of s is B^T s. *)
Theorem gradient s e : jacobian (pattern_of s) 0 e = a e * ((s (src e))%:R - (s (tgt e))%:R).
Proof.
rewrite /= mxE (bigD1 (src e)) //= (bigD1 (tgt e)) ?[tgt e == _]eq_sym //= big1 => [|v /andP[vs vt]].
  rewrite /slope_of !mul_diag_mx !mxE !eqxx [tgt e == _]eq_sym (negbTE (no_loops e)) mul1r addr0.
  by case: (s (src e)); case: (s (tgt e)); rewrite ?mxE; mc_ring R.
by rewrite /slope_of mul_diag_mx !mxE (negbTE vs) (negbTE vt) subrr !mulr0.
Qed.

Theorem gradient_square s : \sum_e jacobian (pattern_of s) 0 e ^+ 2 = cut (fun e => a e ^+ 2) s.
Proof.
rewrite /cut [RHS]big_mkcond /=; apply: eq_bigr => e _; rewrite gradient /crosses.
by case: (s (src e)); case: (s (tgt e)); rewrite /= ?subrr ?mulr0 ?expr0n // ?subr0 ?sub0r ?mulr1 // mulrN1 sqrrN.
Qed.

Theorem gradient_sum s : \sum_e `|jacobian (pattern_of s) 0 e| = cut (fun e => `|a e|) s.
Proof.
rewrite /cut [RHS]big_mkcond /=; apply: eq_bigr => e _; rewrite gradient /crosses.
by case: (s (src e)); case: (s (tgt e)); rewrite /= ?subrr ?mulr0 ?normr0 // ?subr0 ?sub0r ?mulr1 // mulrN1 normrN.
Qed.


(* (ii) Which patterns have a region. Vertices are neighbours when an edge joins them. *)
Definition neighbours v w := [exists e, ((src e == v) && (tgt e == w)) || ((src e == w) && (tgt e == v))].

Lemma neighbours_sym : symmetric neighbours.
Proof. by move=> v w; apply: eq_existsb => e; rewrite orbC. Qed.

Lemma connect_neighbours_sym : connect_sym neighbours.
Proof. exact: (sym_connect_sym neighbours_sym). Qed.

Lemma edge_neighbours e : neighbours (src e) (tgt e).
Proof. by apply/existsP; exists e; rewrite !eqxx. Qed.

(* The component of v has vertices on both sides. *)
Definition mixed (s : {ffun 'I_n -> bool}) v :=
  [exists u, connect neighbours v u && s u] && [exists u, connect neighbours v u && ~~ s u].

(* Every component with an edge has vertices on both sides. *)
Definition splits_components s := forall e, mixed s (src e).

Definition isolated v := forall e, v != src e /\ v != tgt e.

(* Flow along a path from u to v: a point whose image under B is the unit vector of u minus that of v. *)
Lemma flow u v : connect neighbours u v -> exists x : 'cV[R]_m, incidence *m x = delta_mx u 0 - delta_mx v 0.
Proof.
move/connectP=> [p]; elim: p u => [|w p IH] u /= => [_ ->|/andP[uw wp] v_last]; first by exists 0; rewrite mulmx0 subrr.
have [x ex] := IH w wp v_last.
have edge e : incidence *m ((a e)^-1 *: (delta_mx e 0 : 'cV[R]_m)) = delta_mx (src e) 0 - delta_mx (tgt e) 0.
  by rewrite -scalemxAr -colE; apply/colP=> i; rewrite !mxE !andbT mulrA mulVf ?mul1r.
have [e /orP[] /andP[/eqP eu /eqP ew]] := existsP uw.
  by exists ((a e)^-1 *: delta_mx e 0 + x); rewrite mulmxDr edge ex eu ew addrA subrK.
exists (- ((a e)^-1 *: delta_mx e 0) + x); rewrite mulmxDr mulmxN edge ex eu ew opprB.
by rewrite addrA subrK.
Qed.

Lemma image_sum I (r : seq I) (y : I -> 'cV[R]_n) :
  (forall i, exists x, incidence *m x = y i) -> exists x, incidence *m x = \sum_(i <- r) y i.
Proof.
move=> each; elim: r => [|i r [x ex]]; first by exists 0; rewrite mulmx0 big_nil.
by have [z ez] := each i; exists (z + x); rewrite mulmxDr big_cons ez ex.
Qed.

(* The point: one unit of flow from every vertex outside S to every vertex of S in the same component. *)
Theorem pattern_has_point (s : {ffun 'I_n -> bool}) : splits_components s ->
  exists x : 'cV[R]_m, forall v,
    if s v then isolated v \/ 1 <= (incidence *m x) v 0 else isolated v \/ (incidence *m x) v 0 <= -1.
Proof.
move=> split_s.
pose linked u v := [&& s u, ~~ s v & connect neighbours u v].
pose y (uv : 'I_n * 'I_n) : 'cV[R]_n := if linked uv.1 uv.2 then delta_mx uv.1 0 - delta_mx uv.2 0 else 0.
have [[u v]|x ex] := @image_sum _ (index_enum (prod_finType (ordinal_finType n) (ordinal_finType n))) y.
  by rewrite /y /=; case: ifP => [/and3P[_ _ /flow//]|_]; exists 0; rewrite mulmx0.
exists x => w.
have [iso|not_iso] := boolP [forall e, (w != src e) && (w != tgt e)].
  by case: (s w); left=> e; apply/andP; move/forallP: iso.
have [e ew] : exists e, connect neighbours (src e) w.
  move: not_iso; rewrite negb_forall => /existsP[e]; rewrite negb_and !negbK => /orP[/eqP->|/eqP->]; exists e.
    exact: connect0.
  exact: connect1 (edge_neighbours e).
have same u : connect neighbours (src e) u = connect neighbours w u.
  by rewrite !(connect_neighbours_sym _ u); apply: (same_connect_r connect_neighbours_sym).
have value : (incidence *m x) w 0 = \sum_(uv : 'I_n * 'I_n)
    (if linked uv.1 uv.2 then (w == uv.1)%:R - (w == uv.2)%:R else 0).
  by rewrite ex summxE; apply: eq_bigr => [[u v] _]; rewrite /y /=; case: ifP => _; rewrite !mxE ?andbT.
have /andP[/existsP[u /andP[eu su]] /existsP[v /andP[ev sv]]] := split_s e.
rewrite same in eu; rewrite same in ev; rewrite value.
case sw: (s w); right.
  rewrite (bigD1 (w, v)) //= /linked sw sv ev eqxx /=.
  have -> : (w == v) = false by apply/eqP => wv; rewrite -wv sw in sv.
  rewrite subr0 ler_addl; apply: sumr_ge0 => [[p q] _] /=; case: ifP => // /and3P[_ sq _].
  by have -> : (w == q) = false; [apply/eqP => wq; rewrite -wq sw in sq | rewrite subr0 ler0n].
rewrite (bigD1 (u, w)) //= /linked sw su (connect_neighbours_sym u) eu eqxx /=.
have -> : (w == u) = false by apply/eqP => wu; rewrite -wu sw in su.
rewrite sub0r ger_addl -oppr_ge0 -sumrN; apply: sumr_ge0 => [[p q] _] /=.
case: ifP => [/and3P[sp _ _]|_]; last by rewrite oppr0.
by have -> : (w == p) = false; [apply/eqP => wp; rewrite -wp sw in sp | rewrite sub0r opprK ler0n].
Qed.

(* Such a pattern has a full-dimensional region. *)
Theorem pattern_has_region (s : {ffun 'I_n -> bool}) :
  splits_components s -> has_region (@everywhere R m) (pattern_of s).
Proof.
move=> /pattern_has_point[x sides]; pose S := 1 + \sum_v \sum_e `|incidence v e|.
have S0 : 0 < S by apply: ltr_paddr => //; apply: sumr_ge0 => v _; apply: sumr_ge0.
exists x, S^-1; split; first by rewrite invr_gt0.
move=> w near; split=> //; split=> //= v; rewrite addr0.
have close : `|(incidence *m w) v 0 - (incidence *m x) v 0| <= 1.
  have -> : (incidence *m w) v 0 - (incidence *m x) v 0 = (incidence *m (w - x)) v 0.
    by rewrite mulmxBr; move: (incidence *m w) (incidence *m x) => p q; rewrite !mxE.
  rewrite mxE (le_trans (ler_norm_sum _ _ _)) //.
  apply: le_trans (_ : \sum_e `|incidence v e| * S^-1 <= _).
    by apply: ler_sum => e _; rewrite normrM ler_wpmul2l // !mxE ltW.
  rewrite -mulr_suml ler_pdivr_mulr // mul1r /S (bigD1 v) //= addrCA ler_addl addr_ge0 ?ler01 //.
  by apply: sumr_ge0 => u _; apply: sumr_ge0.
have iso0 : isolated v -> (incidence *m w) v 0 = 0.
  by move=> iso; rewrite mxE big1 // => e _; have [vs vt] := iso e; rewrite mxE (negbTE vs) (negbTE vt) subrr mulr0 mul0r.
move: close (sides v); rewrite ler_norml /on_side => /andP[lo hi]; case: (s v) => -[/iso0->//|]; move: lo hi.
  move: (_ v 0) (_ v 0) => p q; rewrite ler_subr_addr ler_subl_addr => lo _ q1.
  by apply: le_trans lo; rewrite addrC subr_ge0.
move: (_ v 0) (_ v 0) => p q; rewrite ler_subr_addr ler_subl_addr => _ hi q1.
by apply: le_trans hi _; rewrite -ler_subr_addl sub0r.
Qed.

(* (iii) The maximum over the patterns that have a region is the maximum cut: sides of components that are all on one
   side can be mixed without losing a crossing edge. *)
Definition mix (s : {ffun 'I_n -> bool}) : {ffun 'I_n -> bool} :=
  [ffun v => if mixed s v then s v else fingraph.root neighbours v == v].

Lemma mixed_connect s u v : connect neighbours u v -> mixed s u = mixed s v.
Proof.
move=> uv; rewrite /mixed; congr (_ && _); apply: eq_existsb => w;
  by rewrite (same_connect connect_neighbours_sym uv).
Qed.

Lemma mix_splits s : splits_components (mix s).
Proof.
move=> e; have st := connect1 (edge_neighbours e).
have [mix_s|unmixed] := boolP (mixed s (src e)).
  have /andP[/existsP[u /andP[eu su]] /existsP[v /andP[ev sv]]] := mix_s.
  apply/andP; split; apply/existsP; [exists u | exists v]; rewrite ?eu ?ev ffunE.
    by rewrite -(mixed_connect s eu) mix_s su.
  by rewrite -(mixed_connect s ev) mix_s sv.
have off v : connect neighbours (src e) v -> mix s v = (fingraph.root neighbours (src e) == v).
  move=> ev; rewrite ffunE -(mixed_connect s ev) (negbTE unmixed).
  by rewrite (fingraph.rootP connect_neighbours_sym ev).
apply/andP; split; apply/existsP.
  by exists (fingraph.root neighbours (src e)); rewrite connect_root off ?eqxx ?connect_root.
have [rs|rs] := eqVneq (fingraph.root neighbours (src e)) (src e).
  by exists (tgt e); rewrite st off // rs no_loops.
by exists (src e); rewrite connect0 off // rs.
Qed.

Lemma mix_crosses s e : crosses s e -> crosses (mix s) e.
Proof.
move=> cross; have st := connect1 (edge_neighbours e).
suff mix_s : mixed s (src e) by rewrite /crosses !ffunE -(mixed_connect s st) mix_s.
apply/andP; split; apply/existsP; move: cross; rewrite /crosses.
  case es: (s (src e)); case et: (s (tgt e)) => // _; [exists (src e) | exists (tgt e)];
    by rewrite ?connect0 ?st ?es ?et.
by case es: (s (src e)); case et: (s (tgt e)) => // _; [exists (tgt e) | exists (src e)];
  rewrite ?connect0 ?st ?es ?et.
Qed.

Lemma cut_mix w s : (forall e, 0 <= w e) -> cut w s <= cut w (mix s).
Proof.
move=> w0; rewrite /cut [X in X <= _]big_mkcond [X in _ <= X]big_mkcond /=; apply: ler_sum => e _.
by case: ifP => [/mix_crosses->//|_]; case: ifP => // _.
Qed.

Theorem maximum_cut_realised w : (forall e, 0 <= w e) ->
  exists s, has_region (@everywhere R m) (pattern_of s) /\ cut w s = maximum_cut w.
Proof.
move=> w0; have [s es] := maximum_cut_reached w0; exists (mix s); split.
  exact: pattern_has_region (mix_splits s).
by apply/eqP; rewrite eq_le cut_le_maximum -es cut_mix.
Qed.

(* (iv) The maximum cut is the Lipschitz constant: squared for p = 2 (weights a_e^2), itself for p = infinity
   (weights |a_e|). *)
Lemma network_secant x y : exists t : {ffun 'I_n -> R}, (forall v, 0 <= t v <= 1) /\
  eval graph_network x 0 0 - eval graph_network y 0 0 =
  \sum_e (a e * (t (src e) - t (tgt e))) * (x e 0 - y e 0).
Proof.
have /fin_all_exists[t t_secant] v := relu_secant ((incidence *m x) v 0) ((incidence *m y) v 0).
exists [ffun v => t v]; split=> [v|]; first by rewrite ffunE; have [] := t_secant v.
have net z : eval graph_network z 0 0 = \sum_v relu ((incidence *m z) v 0).
  by rewrite /= addr0 mxE; apply: eq_bigr => v _; rewrite !mxE mul1r addr0 /relu [LHS]/bend.
rewrite !net -sumrB.
transitivity (\sum_v \sum_e t v * (incidence v e * (x e 0 - y e 0))).
  apply: eq_bigr => v _; have [_ ->] := t_secant v; rewrite -mulr_sumr; congr (_ * _).
  by rewrite !mxE -sumrB; apply: eq_bigr => e _; rewrite mulrBr.
rewrite exchange_big; apply: eq_bigr => e _ /=; rewrite !ffunE.
rewrite (bigD1 (src e)) //= (bigD1 (tgt e)) ?[tgt e == _]eq_sym //= big1 => [|v /andP[vs vt]].
  rewrite !mxE !eqxx [tgt e == _]eq_sym (negbTE (no_loops e)) /= ?mulr1n ?mulr0n; mc_ring R.
by rewrite mxE (negbTE vs) (negbTE vt) subrr mulr0 mul0r mulr0.
Qed.

Lemma update_mean (t : {ffun 'I_n -> R}) j i : t i = (1 - t j) * update t j 0 i + t j * update t j 1 i.
Proof. by rewrite !ffunE; case: eqP => [->|_]; mc_ring R. Qed.

Lemma stretch_mean (t : {ffun 'I_n -> R}) j e (u := update t j 0) (v := update t j 1) :
  a e * (t (src e) - t (tgt e)) =
  (1 - t j) * (a e * (u (src e) - u (tgt e))) + t j * (a e * (v (src e) - v (tgt e))).
Proof. by rewrite (update_mean t j (src e)) (update_mean t j (tgt e)) -/u -/v; mc_ring R. Qed.

Lemma vertex_stretch s e : a e * (vertex R s (src e) - vertex R s (tgt e)) = jacobian (pattern_of s) 0 e.
Proof. by rewrite gradient !ffunE. Qed.

Lemma squares_below (t : {ffun 'I_n -> R}) : (forall v, 0 <= t v <= 1) ->
  \sum_e (a e * (t (src e) - t (tgt e))) ^+ 2 <= maximum_cut (fun e => a e ^+ 2).
Proof.
move: t; apply: (cube_vertices (G := fun t => \sum_e (a e * (t (src e) - t (tgt e))) ^+ 2)) => [t j /andP[t0 t1]|s].
  rewrite !mulr_sumr -big_split; apply: ler_sum => e _ /=; rewrite {1}(stretch_mean t j e).
  exact: square_convex.
by under eq_bigr do rewrite vertex_stretch; rewrite gradient_square cut_le_maximum.
Qed.

Lemma sums_below (t : {ffun 'I_n -> R}) : (forall v, 0 <= t v <= 1) ->
  \sum_e `|a e * (t (src e) - t (tgt e))| <= maximum_cut (fun e => `|a e|).
Proof.
move: t; apply: (cube_vertices (G := fun t => \sum_e `|a e * (t (src e) - t (tgt e))|)) => [t j /andP[t0 t1]|s].
  rewrite !mulr_sumr -big_split; apply: ler_sum => e _ /=; rewrite {1}(stretch_mean t j e).
  by rewrite (le_trans (ler_norm_add _ _)) // !normrM !(ger0_norm (x := t j)) // (ger0_norm (x := 1 - t j)) ?subr_ge0.
by under eq_bigr do rewrite vertex_stretch; rewrite gradient_sum cut_le_maximum.
Qed.

Lemma entry_sub k (p q : 'cV[R]_k) i : (p - q) i 0 = p i 0 - q i 0.
Proof. by rewrite !mxE. Qed.

Lemma sqnorm1 (z : 'cV[R]_1) : sqnorm z = z 0 0 ^+ 2.
Proof. by rewrite /sqnorm big_ord1. Qed.

Lemma linf1 (z : 'cV[R]_1) : linf z = `|z 0 0|.
Proof.
apply/eqP; rewrite eq_le linf_ge andbT; apply: linf_le => // i; by rewrite ord1.
Qed.

Theorem maximum_cut_bounds x y :
  sqnorm (eval graph_network x - eval graph_network y) <= maximum_cut (fun e => a e ^+ 2) * sqnorm (x - y).
Proof.
rewrite sqnorm1 entry_sub; have [t [t01 ->]] := network_secant x y.
apply: le_trans (cauchy_schwarz _ _) _.
have -> : \sum_i (x i 0 - y i 0) ^+ 2 = sqnorm (x - y) by apply: eq_bigr => e _; rewrite !mxE.
by rewrite ler_wpmul2r ?sqnorm_ge0 // squares_below.
Qed.

Theorem maximum_cut_least u : 0 <= u ->
  (forall x y, sqnorm (eval graph_network x - eval graph_network y) <= u * sqnorm (x - y)) ->
  maximum_cut (fun e => a e ^+ 2) <= u.
Proof.
move=> u0 lip; have [|s [region es]] := @maximum_cut_realised (fun e => a e ^+ 2); first by move=> e; exact: sqr_ge0.
have [z [r [r0 inside]]] := region; set J := jacobian (pattern_of s); pose d := J^T : 'cV[R]_m.
pose S := 1 + \sum_e `|d e 0|; pose t := r / S.
have S0 : 0 < S by apply: ltr_paddr => //; apply: sumr_ge0.
have t0 : 0 < t by apply: divr_gt0.
have [_ sz] : everywhere z /\ in_cell (pattern_of s) z by apply: inside => i; rewrite subrr normr0.
have [_ sw] : everywhere (z + t *: d) /\ in_cell (pattern_of s) (z + t *: d).
  apply: inside => i; rewrite -entry_sub [z + _]addrC addrK mxE normrM gtr0_norm //.
  rewrite /t mulrAC ltr_pdivr_mulr // ltr_pmul2l //.
  by rewrite /S (bigD1 i) //= addrCA ltr_addl; apply: ltr_paddr => //; apply: sumr_ge0.
have := lip (z + t *: d) z; rewrite (affine_on_cell sw) (affine_on_cell sz).
have -> : J *m (z + t *: d) + offset (pattern_of s) - (J *m z + offset (pattern_of s)) = t *: (J *m d).
  by rewrite opprD addrACA subrr addr0 -mulmxBr addrAC subrr add0r scalemxAr.
rewrite [z + _]addrC addrK sqnorm1.
have -> : (t *: (J *m d)) 0 0 = t * maximum_cut (fun e => a e ^+ 2).
  by rewrite -es -gradient_square mxE; congr (_ * _); rewrite mxE; apply: eq_bigr => e _; rewrite expr2 /d [X in _ * X]mxE.
have -> : sqnorm (t *: d) = t ^+ 2 * maximum_cut (fun e => a e ^+ 2).
  by rewrite -es -gradient_square mulr_sumr; apply: eq_bigr => e _; rewrite mxE exprMn /d [X in _ * X ^+ 2]mxE.
have c0 : 0 <= maximum_cut (fun e => a e ^+ 2) by rewrite -es; apply: sumr_ge0 => e _; exact: sqr_ge0.
move: (maximum_cut _) c0 => c c0; have [->//|c_neq0] := eqVneq c 0.
have -> : (t * c) ^+ 2 = c * (t ^+ 2 * c) by mc_ring R.
by rewrite ler_pmul2r // mulr_gt0 ?exprn_gt0 // lt_def c_neq0.
Qed.

(* FALSE VARIANT: the maximum cut plus one. It is not the least constant, and no region's gradient has that norm. *)
Theorem one_more_is_false :
  (exists u, 0 <= u /\ (forall x y, sqnorm (eval graph_network x - eval graph_network y) <= u * sqnorm (x - y)) /\
    ~ maximum_cut (fun e => a e ^+ 2) + 1 <= u) /\
  (forall s, \sum_e jacobian (pattern_of s) 0 e ^+ 2 <> maximum_cut (fun e => a e ^+ 2) + 1).
Proof.
split=> [|s]; last first.
  rewrite gradient_square => es; have := cut_le_maximum (fun e => a e ^+ 2) s.
  by rewrite es ger_addl leNgt ltr01.
exists (maximum_cut (fun e => a e ^+ 2)); split; first by have [|s [_ <-]] := @maximum_cut_realised (fun e => a e ^+ 2);
  [move=> e; exact: sqr_ge0 | apply: sumr_ge0 => e _; exact: sqr_ge0].
split; first exact: maximum_cut_bounds.
by rewrite ger_addl leNgt ltr01.
Qed.

Theorem maximum_cut_linf : (0 < m)%N ->
  lipschitz_constant (@linf R m) (@linf R 1) (@everywhere R m) (eval graph_network) (maximum_cut (fun e => `|a e|)).
Proof.
move=> m0; split=> [x y _ _|u lip].
  rewrite linf1 entry_sub; have [t [t01 ->]] := network_secant x y.
  apply: le_trans (ler_norm_sum _ _ _) _.
  apply: le_trans (_ : (\sum_e `|a e * (t (src e) - t (tgt e))|) * linf (x - y) <= _).
    rewrite mulr_suml; apply: ler_sum => e _; rewrite normrM ler_wpmul2l //.
    by have := linf_ge (x - y) e; rewrite entry_sub.
  by rewrite ler_wpmul2r ?linf_ge0 // sums_below.
have [|s [region <-]] := @maximum_cut_realised (fun e => `|a e|); first by move=> e; exact: normr_ge0.
have := regions_lower (linf_is_norm R m) (linf_is_norm R 1) region lip.
pose v : 'cV[R]_m := \col_e (if 0 <= jacobian (pattern_of s) 0 e then 1 else -1).
have v1 e : `|v e 0| = 1 by rewrite mxE; case: ifP; rewrite ?normrN normr1.
have lv : linf v = 1.
  apply/eqP; rewrite eq_le; apply/andP; split; first by apply: linf_le => [|e]; rewrite ?ler01 ?v1.
  by rewrite -(v1 (Ordinal m0)) linf_ge.
move/(_ v); rewrite lv mulr1 linf1; apply: le_trans; apply: le_trans (ler_norm _).
rewrite -gradient_sum mxE; apply: ler_sum => e _; rewrite [v e 0]mxE; case: ifP => h; first by rewrite mulr1 ger0_norm.
by rewrite mulrN1 ltr0_norm // ltNge h.
Qed.

End MaxCut.

(* Without weights (a = 1) the squared constant counts edges. *)
Theorem unweighted_cut (R : realFieldType) n m (src tgt : 'I_m -> 'I_n) (s : {ffun 'I_n -> bool}) :
  cut src tgt (fun e => (1 : R) ^+ 2) s = #|[set e | s (src e) != s (tgt e)]|%:R.
Proof.
rewrite /cut /crosses sumr_const expr1n; apply: (congr1 (fun k : nat => (1 : R) *+ k)).
by apply: eq_card => e; rewrite inE.
Qed.
